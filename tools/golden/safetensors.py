#!/usr/bin/env python3
"""Makes tests/golden/safetensors/ with the official `safetensors` library, and checks that it reads what Strata writes.

    tools/golden/safetensors.py tests/golden/safetensors                                  make official.safetensors
    tools/golden/safetensors.py --check build/release/strata/formats/strata_formats_test  read a file that this test wrote

Nothing that a test runs needs Python.
"""
import os
import subprocess
import sys
import tempfile

sys.path = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]
# This file has the library's name, so its folder left the path first.
try:
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file
except ImportError:
    print("skipped: the Python package safetensors is not installed")
    sys.exit(0)


def make(folder):
    os.makedirs(folder, exist_ok=True)
    save_file({
        "linear.weight": (np.arange(6, dtype=np.float32) / 4 - 0.5).reshape(2, 3),
        "half": np.array([0.5, -2.0], dtype=np.float16),
        "ids": np.array([-2**63, 2**63 - 1], dtype=np.int64),
        "mask": np.array([False, False, True]),
        "empty": np.zeros((0, 4), dtype=np.float64),
        "scalar": np.array(200, dtype=np.uint8),
    }, os.path.join(folder, "official.safetensors"), metadata={"made_by": "safetensors"})


def check(test_program):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "demo.safetensors")
        subprocess.run([test_program, "--gtest_filter=Safetensors.ADemoFile*"], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"STRATA_SAFETENSORS_DEMO": path})
        with safe_open(path, framework="np") as file:
            assert file.metadata() == {"format": "pt"}, file.metadata()
            names = sorted(file.keys())
            assert len(names) == 16, names
            for name, dtype in [("f64", np.float64), ("f32", np.float32), ("f16", np.float16), ("i8", np.int8),
                                ("i16", np.int16), ("i32", np.int32), ("i64", np.int64)]:
                wanted = (np.arange(15) - 2).astype(dtype).reshape(3, 5)
                found = file.get_tensor("layer." + name)
                assert found.dtype == dtype and np.array_equal(found, wanted), (name, found)
            for name, dtype in [("u8", np.uint8), ("u16", np.uint16), ("u32", np.uint32), ("u64", np.uint64)]:
                wanted = (np.arange(15) - 2).astype(np.int64).astype(dtype).reshape(3, 5)
                assert np.array_equal(file.get_tensor("layer." + name), wanted), name
            assert np.array_equal(file.get_tensor("layer.bool"), (np.arange(15) % 2 == 1).reshape(3, 5))
            assert file.get_slice("layer.bf16").get_shape() == [3, 5]
            assert file.get_tensor("empty").shape == (0, 7)
            assert file.get_tensor("scalar") == 0.1
            assert file.get_tensor("na\u00efve \"name\"\n")[0] == 254
    print("safetensors reads what Strata writes")


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        check(sys.argv[2])
    elif len(sys.argv) == 2:
        make(sys.argv[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
