// Derivatives of random programs by differences, and batching of random programs and of their derivatives.
// STRATA_FUZZ_PROGRAMS=n runs n programs.
#include "strata/transform/random_program.h"

#include <gtest/gtest.h>

#include "strata/ir/interpret.h"
#include "strata/transform/gradient.h"
#include "strata/transform/testing/numeric_checks.h"

namespace strata::transform::checks {
namespace {

constexpr uint64_t kPrograms = 150;

template <class F>
void for_programs(uint64_t count, F&& f) {
  const Seeds seeds(count);
  for (uint64_t seed = seeds.first; seed < seeds.end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomProgram program(seed);
    f(*program.graph(), program.arguments());
    if (testing::Test::HasFailure()) return;
  }
}

TEST(RandomProgram, GradientsMatchDifferences) {
  for_programs(kPrograms, [](const Graph& graph, const std::vector<HostArray>& arguments) {
    expect_gradient_matches_differences(graph, arguments);
    expect_jvp_vjp_identity(graph, arguments);
  });
}

TEST(RandomProgram, SecondDerivativesMatchDifferences) {
  for_programs(kPrograms / 3, [](const Graph& graph, std::vector<HostArray> arguments) {
    const auto gradient = vjp_program(graph);
    const auto results = ir::interpret(graph, arguments);
    for (size_t r = 0; r < results.size(); ++r) arguments.push_back(normal_like(results[r], 40 + r));
    expect_gradient_matches_differences(*gradient, arguments);
  });
}

TEST(RandomProgram, BatchesOfProgramsAndOfTheirGradientsEqualRunsOneAtATime) {
  for_programs(kPrograms / 3, [](const Graph& graph, std::vector<HostArray> arguments) {
    const std::vector<bool> all(4, true), data{false, true, true, true}, one{false, false, true, false};
    for (const auto& mask : {all, data, one}) expect_vmap_matches_loop(graph, arguments, mask);
    const auto gradient = vjp_program(graph);
    const auto results = ir::interpret(graph, arguments);
    for (size_t r = 0; r < results.size(); ++r) arguments.push_back(normal_like(results[r], 40 + r));
    expect_vmap_matches_loop(*gradient, arguments, {false, true, false, true, false, true});
  });
}

}  // namespace
}  // namespace strata::transform::checks
