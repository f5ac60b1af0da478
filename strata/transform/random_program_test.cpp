// Derivatives of random programs by differences, and batching of random programs and of their derivatives.
// STRATA_FUZZ_PROGRAMS sets how many (150), STRATA_FUZZ_SEED where to begin.
#include <gtest/gtest.h>

#include <set>

#include "strata/base/testing/fuzz_seeds.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/ops/testing/random_program.h"
#include "strata/transform/gradient.h"
#include "strata/transform/testing/numeric_checks.h"

namespace strata::transform::checks {
namespace {

constexpr uint64_t kPrograms = 150;

template <class F>
void for_programs(uint64_t count, F&& f) {
  const base::FuzzSeeds seeds(count);
  for (uint64_t seed = seeds.first; seed < seeds.end; ++seed) {
    const ops::RandomProgram program = ops::make_random_program(seed, ops::all_ops(), 8, ops::ProgramKind::Smooth);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + ir::print_graph(*program.graph));
    f(*program.graph, program.arguments);
    if (testing::Test::HasFailure()) return;
  }
}

/// The arguments of vjp_program().
std::vector<HostArray> with_cotangents(const Graph& graph, std::vector<HostArray> arguments) {
  const auto results = ir::interpret(graph, arguments);
  for (size_t r = 0; r < results.size(); ++r) arguments.push_back(normal_like(results[r], 40 + r));
  return arguments;
}

void collect_ops(const Graph& graph, std::set<const ir::Op*>& found) {
  for (const ir::Node* node : graph.nodes()) {
    if (!node->is_parameter()) found.insert(node->op);
    for (const ir::GraphRef& region : node->regions()) collect_ops(*region, found);
  }
}

TEST(RandomProgram, SmoothOnesUseEverySmoothOp) {
  std::set<const ir::Op*> found;
  for (uint64_t seed = 1; seed <= 2 * kPrograms; ++seed)
    collect_ops(*ops::make_random_program(seed, ops::all_ops(), 8, ops::ProgramKind::Smooth).graph, found);
  for (const ir::Op* op : ops::all_ops()) EXPECT_TRUE(!op->is_smooth || found.contains(op)) << op->name;
}

TEST(RandomProgram, GradientsMatchDifferences) {
  for_programs(kPrograms, [](const Graph& graph, const std::vector<HostArray>& arguments) {
    expect_gradient_matches_differences(graph, arguments);
    expect_jvp_vjp_identity(graph, arguments);
  });
}

TEST(RandomProgram, SecondDerivativesMatchDifferences) {
  for_programs(kPrograms / 3, [](const Graph& graph, const std::vector<HostArray>& arguments) {
    expect_gradient_matches_differences(*vjp_program(graph), with_cotangents(graph, arguments));
  });
}

TEST(RandomProgram, BatchesOfProgramsAndOfTheirGradientsEqualRunsOneAtATime) {
  for_programs(kPrograms / 3, [](const Graph& graph, const std::vector<HostArray>& arguments) {
    std::vector<bool> all(arguments.size(), true), floats(arguments.size()), one(arguments.size());
    for (int p : float_parameters(graph)) floats[p] = true;
    one[2] = true;
    for (const auto& mask : {all, floats, one}) expect_vmap_matches_loop(graph, arguments, mask);
    const auto more = with_cotangents(graph, arguments);
    std::vector<bool> alternate(more.size());
    for (size_t i = 1; i < more.size(); i += 2) alternate[i] = true;
    expect_vmap_matches_loop(*vjp_program(graph), more, alternate);
  });
}

}  // namespace
}  // namespace strata::transform::checks
