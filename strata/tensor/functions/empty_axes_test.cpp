// What users see of an axis that is empty: by jit with a symbolic dimension, and by the same call without jit.
#include <gtest/gtest.h>

#include <algorithm>
#include "strata/base/error/message_of.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/tensor.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

Tensor rows(int64_t count) { return Tensor::ones({Dim(count), Dim(3)}); }

class JitOfEmptyAxes : public testing::TestWithParam<machine::CpuTarget> {
 protected:
  void SetUp() override {
    if (!machine::host_can_run(GetParam())) GTEST_SKIP() << "the host can't run this code";
    machine::force_cpu_target(GetParam());
  }
  void TearDown() override { machine::force_cpu_target(std::nullopt); }
};

TEST_P(JitOfEmptyAxes, OneRecordingServesAnEmptyBatchToo) {
  auto extended = jit([](Tensor x) { return concat<Tensor>({exp(x) - exp(x), Tensor::ones({Dim(2), Dim(3)})}, 0); });
  EXPECT_EQ(extended(rows(4)).shape(), (Shape{6, 3}));
  const Tensor y = extended(rows(0));
  ASSERT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_EQ(sum(y).item(), 6);
  EXPECT_EQ(extended(rows(1)).shape(), (Shape{3, 3}));
}

TEST_P(JitOfEmptyAxes, TheGradientOfAnEmptyBatchIsZero) {
  auto gradient = jit([](Tensor x, const Tensor& w) { return grad([&](const Tensor& v) { return sum(x * v); }, w); },
                      {.is_batch_symbolic = false, .symbolic_dims = {{.argument = 0, .axis = 0, .name = "N"}}});
  const Tensor w = Tensor::ones({Dim(1), Dim(3)});
  EXPECT_EQ(sum(gradient(rows(2), w)).item(), 6);
  EXPECT_EQ(sum(gradient(rows(0), w)).item(), 0);
}

TEST_P(JitOfEmptyAxes, AnErrorOfAnEmptyAxisNamesTheOpAndItsLine) {
  auto winner = jit([](Tensor x) { return argmax(x, 0); });
  EXPECT_EQ(winner(rows(2)).shape(), (Shape{3}));
  const std::string expected =
      "error[E0116]: argmax: axis 0 of f32[0,3] is empty\nnote: operands are f32[0,3]\nnote: recorded at "
      "empty_axes_test.cpp";
  EXPECT_EQ(base::message_of([&] { winner(rows(0)).array(); }), expected);
  EXPECT_EQ(base::message_of([&] { argmax(rows(0), 0).array(); }).substr(0, expected.size()), expected);
  EXPECT_EQ(winner(rows(5)).shape(), (Shape{3}));
}

TEST_P(JitOfEmptyAxes, ClampingIntoAnEmptyAxisSaysWhatElseThereIs) {
  auto taken = jit([](Tensor x) { return take(x, Tensor::from({int64_t{0}, int64_t{7}}), 0); });
  EXPECT_EQ(sum(taken(rows(2))).item(), 6);
  EXPECT_EQ(
      base::message_of([&] { taken(rows(0)).array(); }),
      "error[E0116]: gather: positions can't be clamped into axis 0 of f32[0,3], which is empty\nnote: operands are "
      "f32[0,3], i64[2,1]\nnote: recorded at empty_axes_test.cpp\nhint: mode fill reads 0 there, or drops the update");
}

INSTANTIATE_TEST_SUITE_P(Levels, JitOfEmptyAxes, testing::ValuesIn(machine::kCpuTargets), [](const auto& info) {
  std::string name(info.param.name);
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace strata
