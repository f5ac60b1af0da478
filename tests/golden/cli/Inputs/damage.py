"""Changes one bit in the middle of every file below a compile cache's folder whose name ends so (.o)."""
import pathlib
import sys

ending = sys.argv[2] if len(sys.argv) > 2 else ".o"
files = list(pathlib.Path(sys.argv[1]).rglob("*" + ending))
assert files, "the cache is empty"
for path in files:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
