// Random programs: compiled equals interpreted within what the ops' tolerances allow, and neither a pass nor the
// instruction set changes a bit. STRATA_FUZZ_PROGRAMS sets how many (200), STRATA_FUZZ_SEED where to begin.
#include <gtest/gtest.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/base/testing/fuzz_seeds.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/error_bounds.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/pipeline.h"
#include "strata/compiler/run_passes.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/testing/random_program.h"

namespace strata::compiler {
namespace {

using ops::make_random_program;
using ops::RandomProgram;

/// Never left out: a kernel has one shape, so a barrier of several can't stay.
constexpr std::string_view kNeeded = "drop-barriers";

/// The targets of this host take turns.
const machine::CpuTarget& one_of_the_targets(uint64_t seed) {
  return machine::host_cpu_targets()[seed % machine::host_cpu_targets().size()];
}

void check_program(const RandomProgram& program, uint64_t seed) {
  const auto passes = pipeline();
  try {
    const auto expected = ir::interpret(*program.graph, program.arguments);
    const auto found = run_natively(program.graph, program.arguments, {});
    EXPECT_EQ(first_out_of_bounds(expected, found, error_bounds(*program.graph, program.arguments, seed)).value_or(""),
              "");
    std::string_view left_out = passes[seed % passes.size()].name;
    if (left_out == kNeeded) left_out = "fuse";
    const auto without = first_difference(
        found, run_natively(program.graph, program.arguments, {.disabled_passes = {std::string(left_out)}}));
    EXPECT_FALSE(without) << "without " << left_out << ": " << *without;
    const machine::CpuTarget& cpu = one_of_the_targets(seed);
    const auto other =
        first_difference(found, run_natively(program.graph, program.arguments, {.target = &llvm_target_for(cpu)}));
    EXPECT_FALSE(other) << "at " << cpu.name << ": " << *other;
  } catch (const base::Error& error) {
    ADD_FAILURE() << error.text();
  }
}

TEST(ErrorBounds, OfAFusedProgramAreThoseOfTheProgramItself) {
  const auto graph = ir::parse_graph(R"(
    func @layer(%x: f32[5,64], %w: f32[48,64]) -> f32[5,48] {
      %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
      %1 = maximum %0, 0.0
      return %1
    })",
                                     ops::op_table())
                         .value();
  const std::shared_ptr<const ir::Graph> fused = run_passes(*graph, pipeline()).graph;
  ASSERT_TRUE(std::ranges::any_of(fused->nodes(), [](const ir::Node* n) { return n->op && n->op->name == "fusion"; }));
  const auto arguments = random_arguments(*graph, 1);
  const auto bounds = error_bounds(*graph, arguments, 1)[0], of_fused = error_bounds(*fused, arguments, 1)[0];
  for (size_t i = 0; i < bounds.size(); ++i) EXPECT_NEAR(of_fused[i], bounds[i], bounds[i]) << i;
  EXPECT_EQ(find_native_difference(fused, arguments, {}).value_or(""), "");
}

/// The programs are shared out among tests, which run side by side.
class RandomPrograms : public testing::TestWithParam<uint64_t> {
  const NoDiskCache no_cache_;  ///< thousands of kernels that no one needs again
};
constexpr uint64_t kShares = 4;
INSTANTIATE_TEST_SUITE_P(Share, RandomPrograms, testing::Range(uint64_t{0}, kShares));

TEST_P(RandomPrograms, CompiledEqualsInterpretedWithAndWithoutEachPassAtEachLevel) {
  const base::FuzzSeeds seeds(200, "STRATA_FUZZ_PROGRAMS", GetParam(), kShares);
  for (uint64_t seed = seeds.first; seed < seeds.end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomProgram program = make_random_program(seed, ops::all_ops());
    SCOPED_TRACE(ir::print_graph(*program.graph));
    check_program(program, seed);
    if (HasFailure()) break;  // one program is enough to look at
  }
}

TEST(RandomProgram, PassesKeepTheMeaningAndAreStable) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomProgram program = make_random_program(seed + 1000, ops::all_ops(), 10);
    const PassResults results = run_passes(*program.graph, pipeline(), {.check_stable = true});
    const auto difference = first_difference(ir::interpret(*program.graph, program.arguments),
                                             ir::interpret(*results.graph, program.arguments));
    ASSERT_FALSE(difference) << *difference << "\n"
                             << ir::print_graph(*program.graph) << ir::print_graph(*results.graph);
  }
}

/// A wrong compiler: differences become sums, maxima minima.
std::unique_ptr<ir::Graph> miscompiled(const ir::Graph& graph) {
  return rewrite_graph(graph, [](const ir::Node& node, ir::GraphCopier& copier, ir::Graph& to) {
    const ir::Op* wrong = node.op == &ops::kSub ? &ops::kAdd : node.op == &ops::kMaximum ? &ops::kMinimum : nullptr;
    if (!wrong || ir::is_bool(node.type().dtype())) return false;
    copier.set(node.result(), to.add(*wrong, copier.get(node.operands()))->result());
    return true;
  });
}

TEST(RandomProgram, TheBoundsLetHardlyAnyWrongResultPass) {
  int wrong = 0, found = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    const RandomProgram program = make_random_program(seed, ops::all_ops());
    const auto expected = ir::interpret(*program.graph, program.arguments);
    const auto actual = ir::interpret(*miscompiled(*program.graph), program.arguments);
    if (!first_difference(expected, actual)) continue;
    ++wrong;
    found += first_out_of_bounds(expected, actual, error_bounds(*program.graph, program.arguments, seed)).has_value();
  }
  EXPECT_GE(wrong, 10);
  EXPECT_GE(found * 10, wrong * 9) << found << " of " << wrong;
}

TEST(RandomProgram, IsTheSameForTheSameSeed) {
  EXPECT_EQ(ir::print_graph(*make_random_program(7, ops::all_ops()).graph),
            ir::print_graph(*make_random_program(7, ops::all_ops()).graph));
  EXPECT_NE(ir::print_graph(*make_random_program(7, ops::all_ops()).graph),
            ir::print_graph(*make_random_program(8, ops::all_ops()).graph));
}

TEST(RandomProgram, PrintsAndParsesToItself) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const auto graph = make_random_program(seed, ops::all_ops(), 12).graph;
    const std::string text = ir::print_graph(*graph);
    const auto again = ir::parse_graph(text, ops::op_table());
    ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
    EXPECT_EQ(ir::print_graph(**again), text);
    EXPECT_TRUE((*again)->hash() == graph->hash());
  }
}

}  // namespace
}  // namespace strata::compiler
