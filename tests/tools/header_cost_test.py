"""header_cost refuses a header over the limit and one that doesn't compile on its own."""
import scratch_tree


class HeaderCost(scratch_tree.ToolTest):
    def test_accepts_a_cheap_header(self):
        self.write("strata/tensor/cheap.h", "#pragma once\nint f();\n")
        self.assertIn("1 headers", self.accepts("header_cost", "--root", self.root))

    def test_refuses_a_header_over_the_limit(self):
        self.write("strata/tensor/dear.h", "#pragma once\n#include <vector>\n#include <string>\n")
        self.refuses("KiB after the preprocessor, the limit is 1 KiB", "header_cost", "--root", self.root, "--limit", "1")

    def test_refuses_a_header_that_lacks_an_include(self):
        self.write("strata/nn/lacking.h", "#pragma once\nstd::string name();\n")
        self.refuses("lacking.h: does not compile on its own", "header_cost", "--root", self.root)


scratch_tree.main()
