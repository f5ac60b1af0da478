# How lit runs the text tests below tests/golden: any .sir, .sloop, .splan, .toml or .test file with `// RUN:` or `# RUN:` lines.
#
#   strata           the binary of the build that runs the tests
#   FileCheck, not   LLVM 19's
#   %s, %t           the file itself; a scratch path of its own
#   %python          the Python that runs lit
#   REQUIRES: avx2   (or fma, avx512f, avx512_vnni, ...) skips the test where the CPU lacks it
import os
import sys

import lit.formats

config.name = "text"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".sir", ".sloop", ".splan", ".toml", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = lit_config.params.get("out", os.path.join(os.path.dirname(__file__), "../build/release/tests"))

LLVM = "/usr/lib/llvm-19/bin"
config.substitutions.append(("%python", sys.executable))
strata = lit_config.params.get("strata", os.path.join(os.path.dirname(__file__), "../build/release/strata"))
config.environment["PATH"] = os.pathsep.join([os.path.dirname(strata), LLVM, os.environ["PATH"]])
# A test sees no terminal, no colours and none of the user's caches.
config.environment["TERM"] = "dumb"
config.environment["STRATA_CACHE"] = os.path.join(config.test_exec_root, "cache")

with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
    flags = next((line.split(":")[1].split() for line in file if line.startswith("flags")), [])
config.available_features.update(flags)
