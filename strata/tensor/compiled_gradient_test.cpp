// Gradients of random programs: compiled against interpreted.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/compiler/compile.h"
#include "strata/ir/interpret.h"
#include "strata/ir/rewrite.h"
#include "strata/runtime/execute/executable.h"
#include "strata/transform/gradient.h"
#include "strata/transform/random_program.h"

namespace strata {
namespace {

TEST(CompiledGradient, OfRandomProgramsEqualsTheInterpretedOne) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    transform::checks::RandomProgram program(seed);
    const int wrt[] = {1, 2, 3};
    const std::shared_ptr<ir::Graph> gradient = transform::value_and_grad(*program.graph(), wrt);
    const auto arguments = program.arguments();
    const auto expected = ir::interpret(*gradient, arguments);
    const auto found = compiler::compile(gradient)->run(std::vector<ir::HostArray>(arguments));
    ASSERT_EQ(found.size(), expected.size());
    for (size_t r = 0; r < found.size(); ++r)
      for (int64_t i = 0; i < found[r].elements(); ++i)
        ASSERT_NEAR(found[r].get(i), expected[r].get(i), 1e-10 * (1 + std::abs(expected[r].get(i))))
            << "result " << r << " element " << i;
  }
}

}  // namespace
}  // namespace strata
