"""check_names refuses names that say nothing and words that the glossary avoids."""
import scratch_tree

GLOSSARY = "| word | what | not |\n|---|---|---|\n| `cotangent` | backward derivative | `adjoint`, `grad_output` |\n"


class CheckNames(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        self.write("docs/glossary.md", GLOSSARY)
        self.write("strata/ir/graph.h", "int cotangent;\n")

    def refused(self, expected):
        return self.refuses(expected, "check_names", "--root", self.root)

    def test_accepts_names_that_say_what_a_thing_does(self):
        self.write("strata/ir/simplify.h", "// an adjoint in prose is fine\nauto text = \"adjoint\";\nint readjointed;\n")
        self.accepts("check_names", "--root", self.root)

    def test_refuses_files_and_folders_that_say_nothing(self):
        for path in ["strata/util/a.h", "strata/ir/helpers.cpp", "strata/ir/string_utils.h", "tools/common.py", "docs/misc/a.md",
                     "strata/ir/pool_manager.h", "strata/ir/graph_impl.cpp"]:
            tree = scratch_tree.ToolTest()
            tree.setUp()
            tree.write(path, "\n")
            tree.refuses(path, "check_names", "--root", tree.root)
            tree.doCleanups()

    def test_refuses_avoided_words_in_every_spelling(self):
        for line in ["int adjoint;", "int x_adjoint_;", "struct AdjointMap {};", "constexpr int kAdjoints = 2;", "int gradOutput;"]:
            self.write("strata/ir/bad.cpp", "\n" + line + "\n")
            self.refused("strata/ir/bad.cpp:2")

    def test_refuses_files_that_are_not_snake_case(self):
        self.write("strata/ir/GraphPrinter.cpp", "\n")
        self.refused("snake_case")

    def test_refuses_architectures_by_name_outside_of_their_table(self):
        self.write("strata/models/lenet.cpp", 'constinit const Architecture kLeNetArchitecture = {\n    .name = "lenet",\n};\n')
        self.write("strata/train/trainer_test.cpp", "// A lenet is fine in tests.\n")
        self.write("strata/train/trainer.cpp", "int plenetary = 0;\n")
        self.accepts("check_names", "--root", self.root)
        for line in ['if (kind == "lenet") return;', "// LeNet-5 alone.", '#include "strata/models/lenet.h"']:
            self.write("strata/cli/bad.cpp", "\n" + line + "\n")
            self.refused("strata/cli/bad.cpp:2")


scratch_tree.main()
