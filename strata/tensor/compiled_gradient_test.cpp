// Gradients of random programs: compiled against interpreted. STRATA_FUZZ_PROGRAMS=n runs n programs.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/compiler/compile.h"
#include "strata/compiler/pipeline.h"
#include "strata/ir/interpret.h"
#include "strata/ir/rewrite.h"
#include "strata/runtime/execute/executable.h"
#include "strata/transform/gradient.h"
#include "strata/transform/random_program.h"

namespace strata {
namespace {

void expect_near(std::span<const ir::HostArray> found, std::span<const ir::HostArray> expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t r = 0; r < found.size(); ++r)
    for (int64_t i = 0; i < found[r].elements(); ++i)
      ASSERT_NEAR(found[r].get(i), expected[r].get(i), 1e-10 * (1 + std::abs(expected[r].get(i))))
          << "result " << r << " element " << i;
}

/// Every program with all passes, and with one of them left out in turn.
TEST(CompiledGradient, OfRandomProgramsEqualsTheInterpretedOneWithEachPassOnAndOff) {
  const transform::checks::Seeds seeds(24);
  const auto passes = compiler::pipeline();
  for (uint64_t seed = seeds.first; seed < seeds.end; ++seed) {
    transform::checks::RandomProgram program(seed);
    const int wrt[] = {1, 2, 3};
    const std::shared_ptr<ir::Graph> gradient = transform::value_and_grad(*program.graph(), wrt);
    const auto arguments = program.arguments();
    const auto expected = ir::interpret(*gradient, arguments);
    compiler::CompileOptions options;
    for (int pass = 0; pass < 2; ++pass) {
      if (pass == 1) options.disabled_passes = {std::string(passes[seed % passes.size()].name)};
      SCOPED_TRACE("seed " + std::to_string(seed) + (pass ? " without " + options.disabled_passes[0] : ""));
      expect_near(compiler::compile(gradient, options)->run(std::vector<ir::HostArray>(arguments)), expected);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace strata
