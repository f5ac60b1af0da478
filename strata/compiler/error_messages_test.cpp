// Whole messages of this layer's errors. Those of E0301 and E0303 stand in tests/golden/cli/inequivalence.test.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/plan/verify.h"

namespace strata::compiler {
namespace {

using base::message_of;

TEST(ErrorMessages, E0133NamesThePlanAndTheRule) {
  ir::Plan plan;
  plan.name = "step";
  EXPECT_EQ(message_of([&] { ir::verify_plan(plan); }), "error[E0133]: plan step: the plan has no program");
}

TEST(ErrorMessages, E0310NamesTheKernelAndTheReason) {
  auto kernel =
      ir::loops::parse_kernel("kernel @k(%x: f32[N]) -> (%y: f32[N]) { for i in 0..N { %y[i] = %x[i] } }").value();
  kernel.dims.clear();
  const ir::loops::Kernel* const kernels[] = {&kernel};
  EXPECT_EQ(message_of([&] { llvm_backend::CodeGenerator().compile(kernels, machine::kAvx2); }),
            "error[E0310]: kernel k uses dimension N, which is not one of its own");
}

TEST(ErrorMessages, E0312SaysWhyAnObjectCannotBeLoaded) {
  const std::string_view text = "no object";
  EXPECT_EQ(message_of([&] { target_by_name("null").load(std::as_bytes(std::span(text))); }),
            "error[E0312]: the bytes are no object of the null backend");
  EXPECT_EQ(message_of([&] { target_by_name("null").load(target_by_name("null").compile({}))->find("k"); }),
            "error[E0312]: the object has no kernel k");
}

TEST(ErrorMessages, E0313OffersTheNearestBackend) {
  EXPECT_EQ(message_of([] { target_by_name("llvm-avx"); }),
            "error[E0313]: no backend is named 'llvm-avx'\nhint: did you mean llvm-avx2?");
}

}  // namespace
}  // namespace strata::compiler
