"""check_sizes warns of long files, refuses very long ones, and refuses long functions."""
import scratch_tree


def function(name, lines, indent=""):
    return f"{indent}int {name}(int x) {{\n" + f"{indent}  ++x;\n" * (lines - 2) + f"{indent}}}\n\n"


class CheckSizes(scratch_tree.ToolTest):
    def refused(self, expected):
        return self.refuses(expected, "check_sizes", "--root", self.root)

    def test_warns_over_500_lines_and_refuses_over_800(self):
        self.write("strata/a.cpp", "\n" * 500)
        self.assertNotIn("warning", self.accepts("check_sizes", "--root", self.root))
        self.write("strata/a.cpp", "\n" * 501)
        self.assertIn("warning: strata/a.cpp: 501", self.accepts("check_sizes", "--root", self.root))
        self.write("strata/a.cpp", "\n" * 801)
        self.refused("strata/a.cpp: 801 lines")

    def test_refuses_a_function_over_100_lines_and_names_it(self):
        self.write("strata/a.cpp", function("fine", 100))
        self.accepts("check_sizes", "--root", self.root)
        self.write("strata/a.cpp", "\n" + function("endless", 101))
        self.refused("strata/a.cpp:2: endless has 101 lines")

    def test_sees_members_inside_a_class(self):
        self.write("strata/a.h", "class A {\n public:\n" + function("member", 120, "  ") + "};\n")
        self.refused("member has 120 lines")

    def test_refuses_more_than_five_in_a_hundred_over_60(self):
        self.write("strata/a.cpp", "".join(function(f"short{i}", 10) for i in range(38)))
        self.write("strata/b.cpp", function("long1", 70) + function("long2", 70))
        self.accepts("check_sizes", "--root", self.root)
        self.write("strata/c.cpp", function("long3", 70))
        self.refused("3 of 41 functions are over 60 lines")

    def test_refuses_a_folder_of_more_than_40_files(self):
        for number in range(40):
            self.write(f"strata/ir/file{number}.h", "\n")
        self.accepts("check_sizes", "--root", self.root)
        self.write("strata/ir/one_more.h", "\n")
        self.refused("strata/ir: 41 files, the limit is 40")

    def test_takes_no_class_or_namespace_for_a_function(self):
        self.write("strata/a.cpp", "namespace a {\nstruct B {\n" + "  int x;\n" * 150 + "};\n}  // namespace a\n")
        self.accepts("check_sizes", "--root", self.root)


scratch_tree.main()
