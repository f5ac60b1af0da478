"""check_layers refuses upward includes, unlinked folders, broken fences and library code that ends the process."""
import scratch_tree


class CheckLayers(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        self.write("strata/base/CMakeLists.txt", "strata_folder(base)\n")
        self.write("strata/ir/CMakeLists.txt", "strata_folder(ir STANDS_ON base LINKS fmt::fmt)\n")
        self.write("strata/ops/CMakeLists.txt", "strata_folder(ops STANDS_ON ir)\n")
        self.write("strata/base/error.h", "#pragma once\n")
        self.write("strata/ir/graph.h", '#include "strata/base/error.h"\n')
        self.write("strata/ops/add.cpp", '#include "strata/base/error.h"\n#include "strata/ir/graph.h"\nvoid f() { file.exit(1); }\n')

    def refused(self, expected):
        return self.refuses(expected, "check_layers", "--root", self.root)

    def test_accepts_includes_of_folders_below_also_through_others(self):
        self.accepts("check_layers", "--root", self.root)

    def test_refuses_an_include_of_a_folder_above(self):
        self.write("strata/ir/graph.cpp", '// why\n#include "strata/ops/add.h"\n')
        self.assertIn("strata/ir/graph.cpp:2: ", self.refused("ir may not include strata/ops/add.h"))

    def test_refuses_cmake_that_stands_on_a_folder_above(self):
        self.write("strata/ir/CMakeLists.txt", "strata_folder(ir STANDS_ON base ops)\n")
        self.refused("strata/ir/CMakeLists.txt: stands on ops")

    def test_refuses_cmake_that_lacks_what_the_table_names(self):
        self.write("strata/ops/CMakeLists.txt", "strata_folder(ops STANDS_ON base)\n")
        self.refused("does not stand on ir")

    def test_refuses_an_include_that_cmake_does_not_link(self):
        self.write("strata/ops/CMakeLists.txt", "strata_folder(ops)\n")
        self.refused("is included but strata/ops/CMakeLists.txt does not link ir")

    def test_refuses_a_folder_that_is_no_layer(self):
        self.write("strata/extras/a.h", "\n")
        self.refused("strata/extras: no such layer")

    def test_refuses_a_folder_with_code_and_no_cmake(self):
        self.write("strata/text/a.cpp", "\n")
        self.refused("strata/text/CMakeLists.txt: has no strata_folder(text")

    def test_refuses_third_party_headers_outside_their_fence(self):
        for header, place in [("llvm/IR/Module.h", "strata/ir"), ("isl/map.h", "strata/ops"), ("mpi.h", "strata/base"),
                              ("sys/socket.h", "strata/base"), ("nlohmann/json.hpp", "strata/ir"), ("toml++/toml.h", "strata/ops"),
                              ("spdlog/spdlog.h", "strata/base/error"), ("CLI/CLI.hpp", "strata/base"), ("gtest/gtest.h", "strata/base")]:
            self.write(f"{place}/fenced.h", f"#include <{header}>\n")
            self.refused(f"<{header}>")
            self.write(f"{place}/fenced.h", "\n")
        self.accepts("check_layers", "--root", self.root)

    def test_refuses_a_ninth_file_with_llvm(self):
        self.write("strata/runtime/CMakeLists.txt", "strata_folder(runtime STANDS_ON ir)\n")
        self.write("strata/compiler/CMakeLists.txt", "strata_folder(compiler STANDS_ON ops runtime)\n")
        for number in range(8):
            self.write(f"strata/compiler/backends/llvm/part{number}.cpp", "#include <llvm/IR/Module.h>\n")
        self.accepts("check_layers", "--root", self.root)
        self.write("strata/compiler/backends/llvm/part8.cpp", "\n")
        self.refused("9 .cpp files")

    def test_refuses_code_that_ends_the_process_but_not_tests_or_comments(self):
        for line in ["std::abort();", "if (x) exit(1);", "assert(x > 0);", "::_exit(2);", "std::terminate();"]:
            self.write("strata/base/end.cpp", f"void f(int x) {{\n  {line}\n}}\n")
            self.refused("strata/base/end.cpp:2")
        self.write("strata/base/end.cpp", '// abort() is not for us\nauto s = "exit(1)";\nstatic_assert(sizeof(int) == 4);\n')
        self.write("strata/base/end_test.cpp", "void f() { abort(); }\n")
        self.write("strata/base/testing/checks.cpp", "#include <gtest/gtest.h>\nvoid g() { abort(); }\n")
        self.accepts("check_layers", "--root", self.root)

    def test_refuses_includes_relative_to_the_file_and_the_users_header(self):
        self.write("strata/ir/graph.cpp", '#include "graph.h"\n')
        self.refused("spell includes from the root")
        self.write("strata/ir/graph.cpp", '#include "strata/strata.h"\n')
        self.refused("is for users")


scratch_tree.main()
