"""Every code of the error catalog is raised by the sources and met by a test."""
import os
import pathlib
import re
import unittest

import scratch_tree

ROOT = pathlib.Path(scratch_tree.ROOT)
CODE = re.compile(r"\bE0\d{3}\b")


def codes_in(paths, pattern=CODE):
    return {code for path in paths for code in pattern.findall(path.read_text(encoding="utf-8"))}


class ErrorCodes(unittest.TestCase):
    catalog = codes_in((ROOT / "strata/base/error/catalog").glob("*.cpp"), re.compile(r'\{"(E0\d{3})"'))
    sources = {path for folder in ("strata", "bench") for path in (ROOT / folder).rglob("*") if path.suffix in (".cpp", ".h")}
    tests = {path for path in sources if path.name.endswith("_test.cpp")}

    def test_each_code_is_raised_somewhere(self):
        raised = codes_in(path for path in self.sources - self.tests if "error/catalog" not in str(path))
        self.assertEqual(sorted(self.catalog - raised), [])

    def test_each_code_is_met_by_a_test(self):
        golden = {path for path in (ROOT / "tests").rglob("*") if path.suffix in (".test", ".sir", ".sloop", ".splan", ".cpp")}
        self.assertEqual(sorted(self.catalog - codes_in(self.tests | golden)), [])


scratch_tree.main()
