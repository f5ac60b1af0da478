"""check_citations refuses comments and docs that name what is not there."""
import scratch_tree


class CheckCitations(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        self.write("Makefile", "fast:\n")
        self.write("tools/format", "# Lays out the files.\n")
        self.write("docs/reference/commands.md", "# Commands\n\n## strata opt\n")
        self.write("docs/design/design.md", "## 4. Settled\n\n1. The order of a sum is meaning.\n")
        self.write("docs/design/house.md", "1. One idea a file.\n")
        self.write("docs/decisions/0003-graphs.md", "# 3. Graphs are rebuilt\n")
        self.write("strata/base/error/catalog/ir.cpp", 'Entry e{"E0101"};\n')
        self.write("strata/ir/graph.h", "/// The rank of `shape`, which is not null.\nint rank(const Shape* shape);\n")

    def refused(self, expected):
        self.refuses(expected, "check_citations", "--root", self.root)

    def test_accepts_what_is_there(self):
        self.write("strata/ir/type.cpp", "// As in ir/graph.h and graph.h; x_test.cpp shows it. `strata opt` and `make fast` run it, tools/format\n"
                   "// lays it out; design.md, section 4.1, house rule 1, decision 3, E0101.\n"
                   "//\n//   an_example(missing.h);\n")
        self.write("README.md", "See `ir/graph.h`.\n\n```\nmissing.h\n```\n<!-- append: gone.cpp -->\n")
        self.accepts("check_citations", "--root", self.root)

    def test_refuses_what_is_not(self):
        for text, expected in [("ir/node.h", "no file ir/node.h"), ("`strata help`", "`strata help` is no command"),
                               ("`make slow`", "`make slow` is no target"), ("tools/lint", "no tool tools/lint"),
                               ("design.md, section 4.2", "has no section 4.2"), ("design.md, section 5", "has no section 5"),
                               ("house rule 2", "has no rule 2"), ("decision 4", "has no decision 4"),
                               ("E0102", "the catalogue has no E0102"), ("`tensor_count` of it", "`tensor_count` is no name of the code")]:
            self.write("strata/ir/type.cpp", "int a;\n\n// Behind " + text + ".\n")
            self.refused("strata/ir/type.cpp:3: ")
            self.refused(expected)

    def test_refuses_a_command_whose_words_stand_on_two_lines(self):
        self.write("strata/ir/type.cpp", "// Printed by `strata\n// help`.\n")
        self.refused("`strata help` is no command")

    def test_refuses_files_that_docs_and_scripts_name_in_vain(self):
        self.write("docs/guide.md", "Look at `strata/ir/gone.h`.\n")
        self.refused("docs/guide.md:1: no file strata/ir/gone.h")
        self.write("docs/guide.md", "\n")
        self.write("tools/run.py", "x = 1  # as in gone.cpp\n")
        self.refused("tools/run.py:1: no file gone.cpp")

    def test_refuses_a_parameter_that_the_declaration_does_not_have(self):
        self.write("strata/ir/rank.h", "/// The rank of `extents`.\nint rank(const Shape* shape);\n")
        self.write("strata/ir/other.cpp", "int extents;\n")
        self.refused("strata/ir/rank.h:1: `extents` is no name of the code near it")
        self.write("strata/ir/other.h", "int extents;\n")
        self.write("strata/ir/rank.h", '#include "strata/ir/other.h"\n/// The rank of `extents`.\nint rank();\n')
        self.accepts("check_citations", "--root", self.root)


scratch_tree.main()
