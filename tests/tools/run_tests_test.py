"""run_tests sums GoogleTest and lit cases, and fails when a test failed, was not built, or when none ran."""
import os

import scratch_tree

# Stands for ctest: copies the prepared reports to where the real ones would be and ends with the wanted code.
CTEST = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --output-junit ] && report=$2; shift; done
[ -f ctest-report ] && cp ctest-report "$report"
[ -f lit-report ] && cp lit-report build/tests/lit.xml
exit "$CTEST_CODE"
"""


class RunTests(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        self.write("bin/ctest", CTEST, executable=True)
        self.write("build/tests/.keep", "")

    def report(self, path, cases):
        self.write(path, "<testsuite>" + "".join(cases) + "</testsuite>")

    def summary(self, expected_code, ctest_code=0):
        environment = dict(os.environ, PATH=self.root + "/bin:" + os.environ["PATH"], CTEST_CODE=str(ctest_code))
        code, output = self.tool("run_tests", "--build", "build", env=environment)
        self.assertEqual(code, expected_code, output)
        return output.strip().split("\n")[-1]

    def test_sums_gtest_and_lit_cases(self):
        self.report("ctest-report", ['<testcase name="A.a" status="run"/>', '<testcase name="golden" status="run"/>',
                                     '<testcase name="A.b" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>'])
        self.report("lit-report", ['<testcase classname="t" name="x"/>', '<testcase classname="t" name="y"/>',
                                   '<testcase classname="t" name="z"><skipped message="Missing avx512f"/></testcase>'])
        self.assertEqual(self.summary(0), "3 passed, 0 failed, 2 skipped")

    def test_fails_when_a_test_failed(self):
        self.report("ctest-report", ['<testcase name="A.a" status="run"/>',
                                     '<testcase name="A.b" status="fail"><failure message=""/></testcase>'])
        self.assertEqual(self.summary(1, ctest_code=8), "1 passed, 1 failed, 0 skipped")

    def test_fails_when_a_program_is_not_built_and_counts_it_once(self):
        missing = '<testcase name="x_NOT_BUILT" status="notrun"><skipped message="Unable to find executable"/></testcase>'
        self.report("ctest-report", ['<testcase name="A.a" status="run"/>', missing, missing])
        self.assertEqual(self.summary(1, ctest_code=8), "1 passed, 1 failed, 0 skipped")

    def test_fails_when_no_test_ran(self):
        self.assertEqual(self.summary(1), "0 passed, 1 failed, 0 skipped")
        self.report("ctest-report", ['<testcase name="A.b" status="notrun"><skipped message="SKIP"/></testcase>'])
        self.assertEqual(self.summary(1), "0 passed, 1 failed, 1 skipped")

    def test_fails_when_ctest_fails_without_a_failed_test(self):
        self.report("ctest-report", ['<testcase name="A.a" status="run"/>'])
        self.assertEqual(self.summary(1, ctest_code=8), "1 passed, 1 failed, 0 skipped")


scratch_tree.main()
