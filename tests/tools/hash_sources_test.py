"""The hash in the compile cache's keys changes with any source of the compiler, and with nothing else."""
import os

import scratch_tree


class HashSources(scratch_tree.ToolTest):
    def hash(self):
        self.run_in_tree("cmake", f"-DROOT={self.root}", "-DFOLDERS=strata/ops;strata/compiler", f"-DOUT={self.root}/out.cpp",
                         "-P", os.path.join(scratch_tree.ROOT, "cmake", "hash_sources.cmake"))
        with open(os.path.join(self.root, "out.cpp"), encoding="utf-8") as file:
            return file.read()

    def test_changes_with_the_sources_that_decide_the_code(self):
        self.write("strata/ops/exp.cpp", "// exp\n")
        self.write("strata/compiler/loop/tile.h", "// tile\n")
        seen = [self.hash()]
        self.assertIn("sources_hash() { return \"", seen[0])
        for path, text in (("strata/ops/exp.cpp", "// other\n"), ("strata/compiler/loop/tile.h", "// other\n"),
                           ("strata/ops/new.cpp", "// exp\n")):
            self.write(path, text)
            self.assertNotIn(self.hash(), seen, path)
            seen.append(self.hash())

    def test_stays_with_tests_and_other_folders(self):
        self.write("strata/ops/exp.cpp", "// exp\n")
        before = self.hash()
        for path in ("strata/ops/exp_test.cpp", "strata/ops/text_fuzz.cpp", "strata/nn/linear.cpp", "docs/ops.h"):
            self.write(path, "// new\n")
        self.assertEqual(self.hash(), before)


scratch_tree.main()
