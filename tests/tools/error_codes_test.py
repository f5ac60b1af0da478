"""Every code of the error catalog has one name, which the sources use and nothing else; and a test meets it."""
import pathlib
import re
import unittest

import scratch_tree

ROOT = pathlib.Path(scratch_tree.ROOT)
CODE = re.compile(r"\bE0\d{3}\b")
NAME = re.compile(r"\bcode::(k\w+)")
LITERAL = re.compile(r'^(?!\s*//).*"(E0\d{3})"', re.MULTILINE)


def found_in(paths, pattern):
    return {text for path in paths for text in pattern.findall(path.read_text(encoding="utf-8"))}


class ErrorCodes(unittest.TestCase):
    headers = set((ROOT / "strata/base/error/codes").glob("*.h"))
    catalog = set((ROOT / "strata/base/error/catalog").glob("*.cpp"))
    names = dict(re.findall(r"ErrorCode (k\w+){\"(E0\d{3})\"}", "".join(path.read_text(encoding="utf-8") for path in headers)))
    files = {path for folder in ("strata", "bench") for path in (ROOT / folder).rglob("*") if path.suffix in (".cpp", ".h")}
    tests = {path for path in files if path.name.endswith("_test.cpp") or "testing" in path.parts}
    sources = files - tests - headers - catalog

    def test_each_code_has_one_name(self):
        self.assertGreater(len(self.names), 100)
        self.assertEqual(len(set(self.names.values())), len(self.names))

    def test_each_code_has_a_page(self):
        self.assertEqual(set(self.names) - found_in(self.catalog, NAME), set())

    def test_each_code_is_raised_somewhere(self):
        self.assertEqual(set(self.names) - found_in(self.sources, NAME), set())

    def test_sources_name_codes(self):
        self.assertEqual(found_in(self.sources, LITERAL), set())

    def test_each_code_is_met_by_a_test(self):
        golden = {path for path in (ROOT / "tests").rglob("*") if path.suffix in (".test", ".sir", ".sloop", ".splan", ".cpp")}
        met = found_in(self.tests | golden, CODE) | {self.names.get(name) for name in found_in(self.tests, NAME)}
        self.assertEqual(set(self.names.values()) - met, set())


scratch_tree.main()
