// A lazy run that fails loses only what needs the refused value: everything else that was recorded has its value, and
// what is lost says why.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/cancel.h"
#include "strata/tensor/lazy/check_groups.h"
#include "strata/tensor/tensor.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::code_of;

Tensor row(const Tensor& table, int64_t id) { return sum(take(table, Tensor::from({id}), 0, OutOfRange::Check)); }

TEST(FailedFlush, KeepsWhatDoesNotNeedTheRefusedValue) {
  Tensor w = Tensor::full({3}, 1).evaluate();
  const Tensor table = Tensor::full({4, 2}, 3).evaluate();
  w = w * 2 + 1;
  const Tensor good = row(table, 3), bad = row(table, 4), both = good + bad, after = sum(w) + good;
  EXPECT_EQ(code_of([&] { both.item(); }), "E0118");
  EXPECT_EQ(w.data<float>()[2], 3);
  EXPECT_EQ(good.item(), 6);
  EXPECT_EQ(after.item(), 15);
  for (const Tensor& lost : {bad, both}) {
    EXPECT_EQ(code_of([&] { lost.item(); }), "E0118");
    EXPECT_EQ(code_of([&] { lost.type(); }), "E0118");
    EXPECT_EQ(code_of([&] { (lost + 1).item(); }), "E0118");
  }
  w = w + 1;  // the recording goes on
  EXPECT_EQ(w.data<float>()[0], 4);
}

struct Model {
  Tensor table, w;
  STRATA_FIELDS(table, w)
};

TEST(FailedFlush, OfATrainingLoopLeavesWhatTheStepBeforeMade) {
  Model model{Tensor::full({5, 3}, 1).evaluate(), Tensor::full({3, 1}, 0.5).evaluate()};
  Tensor m = Tensor::zeros({3, 1}).evaluate();
  auto step = [&](const Tensor& ids) {
    const auto loss_of = [&](const Model& x) { return sum(matmul(take(x.table, ids, 0, OutOfRange::Check), x.w)); };
    const Model slope = grad(loss_of, model);
    const Tensor loss = loss_of(model);
    m = m * 0.5 + slope.w;
    model = {model.table - slope.table * 0.5, model.w - m * 0.25};
    return loss;
  };
  step(Tensor::from({1, 2}));  // nobody looks
  const Model before = model;
  const Tensor m_before = m;
  EXPECT_EQ(code_of([&] { step(Tensor::from({1, 9})).item(); }), "E0118");
  EXPECT_EQ(before.w.data<float>()[0], 0);
  EXPECT_EQ(m_before.data<float>()[1], 2);
  EXPECT_EQ(before.table.data<float>()[0], 1);
  EXPECT_EQ(before.table.data<float>()[3], 0.75);
  EXPECT_EQ(code_of([&] { model.w.item(); }), "E0118");  // of the step that failed
}

TEST(FailedFlush, OfACheckKeepsAllThatWasRecordedBefore) {
  Tensor x = Tensor::from({1.f, 2.f}) * 3;
  const Tensor y = x + 1;
  EXPECT_EQ(code_of([&] { check(x < 5, "small"); }), "E0136");
  EXPECT_EQ(x.data<float>()[1], 6);
  EXPECT_EQ(y.data<float>()[1], 7);
}

TEST(FailedFlush, ThatWasCancelledIsRunAgainAtTheNextLook) {
  const Tensor x = Tensor::from({1.f, 2.f}) * 3, y = row(Tensor::full({4, 2}, 3), 2);
  {
    const CancelToken token;
    token.cancel();
    const CancelScope scope(token);
    EXPECT_EQ(code_of([&] { x.array(); }), "E0319");
  }
  const Tensor z = x + y;
  EXPECT_EQ(z.data<float>()[1], 12);
  EXPECT_EQ(x.data<float>()[0], 3);
  EXPECT_EQ(y.item(), 6);
}

TEST(FailedFlush, AsksOnceForEachSetOfChecks) {
  ir::Graph graph("checks");
  std::vector<ir::Value> values{graph.add_parameter(ir::Type::of(ir::DType::f32, {4}))};
  const ir::Value id = graph.add_parameter(ir::Type::of(ir::DType::i64, {1}));
  for (int i = 0; i < 100; ++i) {
    const ir::Value x = values.back();
    values.push_back(i % 10 == 9 ? x * ops::sum(ops::take(x, id, 0, ops::OutOfRange::Check)) : x + 1);
  }
  const std::vector<lazy::CheckGroup> groups = lazy::group_by_checks(graph, values);
  ASSERT_EQ(groups.size(), 11u);
  for (size_t i = 0; i < groups.size(); ++i) {
    EXPECT_EQ(groups[i].checks.size(), i);
    EXPECT_EQ(groups[i].values.size(), i == 10 ? 1u : 10u);
  }
}

}  // namespace
}  // namespace strata
