"""touch_count refuses a commit that adds one op or one pass and touches more than three source files."""
import scratch_tree

BLOCK = "constinit const Op k{} = {{\n    .name = \"x\",\n}};\n"


class TouchCount(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        self.run_in_tree("git", "init", "-q")
        self.commit({"strata/ops/a.cpp": BLOCK.format("Add"), "README.md": "\n"})

    def commit(self, files):
        for path, text in files.items():
            self.write(path, text)
        self.run_in_tree("git", "add", ".")
        code, output = self.run_in_tree("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "why")
        self.assertEqual(code, 0, output)

    def test_accepts_an_op_in_three_files_however_many_tests_and_docs(self):
        self.commit({"strata/ops/a.cpp": BLOCK.format("Add") + BLOCK.format("Tanh"), "strata/ops/list.inc": "tanh\n",
                     "strata/tensor/functions.h": "tanh\n", "strata/ops/a_test.cpp": "\n", "docs/reference/ops.md": "\n"})
        self.assertIn("adds 1 op(s) and 0 pass(es) in 3 source files: Tanh", self.accepts("touch_count"))

    def test_refuses_an_op_in_four_files(self):
        self.commit({"strata/ops/b.cpp": BLOCK.format("Tanh"), "strata/ops/list.inc": "t", "strata/tensor/f.h": "t", "strata/ir/x.cpp": "t"})
        self.refuses("one addition should touch 3 files", "touch_count")

    def test_refuses_a_pass_in_four_files(self):
        files = {f"strata/compiler/graph/{name}": "\n" for name in ("fuse.h", "fuse.cpp", "other.cpp")}
        self.commit({**files, "strata/compiler/pipeline.cpp": '  {"fuse-all", fuse_all, "why here"},\n'})
        self.refuses("fuse-all", "touch_count")

    def test_counts_no_block_that_only_changed(self):
        self.commit({"strata/ops/a.cpp": "// new text\n" + BLOCK.format("Add")})
        self.assertIn("adds no op", self.accepts("touch_count"))


scratch_tree.main()
