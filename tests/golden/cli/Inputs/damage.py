"""Changes one bit in the middle of every object below a compile cache's folder."""
import pathlib
import sys

objects = list(pathlib.Path(sys.argv[1]).rglob("*.o"))
assert objects, "the cache is empty"
for path in objects:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
