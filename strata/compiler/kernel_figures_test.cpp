// What each kernel of a program did: counted exactly, timed at all.
#include "strata/compiler/kernel_figures.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

const KernelFigure* of_content(const std::vector<KernelFigure>& figures, std::string_view content) {
  const auto found = std::ranges::find(figures, content, &KernelFigure::content);
  return found == figures.end() ? nullptr : &*found;
}

TEST(KernelFigures, CountOperationsAndTheBytesThatAreReadAndWritten) {
  const NoDiskCache no_cache;
  const auto graph =
      ir::parse_graph(R"(func @f(%t: f32[1000,16], %i: i64[8,1], %w: f32[16,16]) -> (f32[8,16], f32[8,16]) {
  %0 = gather %t, %i {axes = [0], batch = 0, mode = "clamp", most = 0}
  %1 = dot %0, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %2 = dot %1, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  return %0, %2
})",
                      ops::op_table())
          .value();
  const auto program = compile(graph);
  const std::vector<KernelFigure> figures = measure_kernels(*program, random_arguments(*graph, 1), 3);
  const KernelFigure* gather = of_content(figures, "gather");
  ASSERT_TRUE(gather);
  EXPECT_EQ(gather->runs, 1);
  EXPECT_EQ(gather->bytes, 8 * 16 * 4 * 2 + 8 * 8) << "of the table only the rows that are picked";
  double operations = 0;
  int64_t dots = 0;
  for (const KernelFigure& figure : figures) {
    operations += figure.operations;
    EXPECT_GT(figure.seconds, 0) << figure.content;
    if (figure.content == "dot") dots += figure.runs;
  }
  EXPECT_EQ(dots, 2);
  EXPECT_EQ(operations, 2 * 2 * 8 * 16 * 16);
}

}  // namespace
}  // namespace strata::compiler
