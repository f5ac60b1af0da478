"""Writes a safetensors file of one f32 vector of ones: write_safetensors.py FILE NAME ELEMENTS."""
import json
import struct
import sys

path, name, elements = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = struct.pack(f"<{elements}f", *[1.0] * elements)
header = json.dumps({name: {"dtype": "F32", "shape": [elements], "data_offsets": [0, len(data)]}}).encode()
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + data)
