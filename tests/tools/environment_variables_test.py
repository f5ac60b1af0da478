"""Every STRATA_ variable that code reads stands in the table of strata/base/environment, and every one there has a reader."""
import os
import re

import scratch_tree

TABLE = "strata/base/environment/variables.cpp"
# How C++ and the shell read one. CMake's own variables of the same prefix are no environment.
READERS = [r'(?:getenv|environment|setenv|from_environment|seeds?_of|counted_by)\w*\(\s*"(STRATA_[A-Z_]+)"', r'"(STRATA_FUZZ_[A-Z]+)"',
           r'"(STRATA_[A-Z]+_DEMO)"', r"\$\{(STRATA_[A-Z_]+)[:}]"]


def sources():
    for top in ("strata", "bench", "tools", "examples"):
        for folder, folders, names in os.walk(os.path.join(scratch_tree.ROOT, top)):
            folders[:] = [f for f in folders if f != "__pycache__"]
            for name in names:
                path = os.path.join(folder, name)
                if name == "CMakeLists.txt" or path.endswith(TABLE) or os.path.basename(path) == "variables_test.cpp":
                    continue
                try:
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, scratch_tree.ROOT), file.read()
                except UnicodeDecodeError:
                    continue


class EnvironmentVariables(scratch_tree.unittest.TestCase):
    def setUp(self):
        with open(os.path.join(scratch_tree.ROOT, TABLE), encoding="utf-8") as file:
            self.table = set(re.findall(r'\{"(STRATA_[A-Z_]+)"', file.read()))
        self.read = {}
        for path, text in sources():
            for pattern in READERS:
                for name in re.findall(pattern, text):
                    self.read.setdefault(name, path)

    def test_each_that_is_read_is_in_the_table(self):
        self.assertEqual({name: path for name, path in self.read.items() if name not in self.table}, {})

    def test_each_in_the_table_is_read(self):
        self.assertEqual(self.table - set(self.read), set())

    def test_the_library_reads_by_the_table(self):
        past = [path for path, text in sources()
                if path.startswith("strata/") and not path.endswith(("_test.cpp", "testing/fuzz_seeds.h", "testing/no_disk_cache.h"))
                and re.search(r'getenv\("STRATA_', text)]
        self.assertEqual(past, [])


scratch_tree.main()
