// What the structured ops mean, on small cases worked out by hand: ties, NaN, indices out of range, repeated positions,
// padding.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "strata/base/error/message_of.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"
#include "strata/ops/window/window.h"

namespace strata::ops {
namespace {

using base::code_of;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

HostArray array(DType t, std::vector<int64_t> shape, std::vector<double> values) {
  HostArray a(t, std::move(shape));
  for (size_t i = 0; i < values.size(); ++i) a.set(i, values[i]);
  return a;
}
HostArray f32(std::vector<int64_t> shape, std::vector<double> values) {
  return array(DType::f32, std::move(shape), std::move(values));
}
HostArray i32(std::vector<int64_t> shape, std::vector<double> values) {
  return array(DType::i32, std::move(shape), std::move(values));
}

using Fill = std::function<std::vector<Value>(const std::vector<Value>&)>;
std::vector<HostArray> run(const std::vector<HostArray>& arguments, const Fill& fill) {
  Graph graph("test");
  std::vector<Value> parameters;
  for (const HostArray& a : arguments)
    parameters.push_back(graph.add_parameter(Type::of(a.dtype(), Shape(a.shape().begin(), a.shape().end()))));
  graph.set_results(fill(parameters));
  return ir::interpret(graph, arguments);
}

void expect(const HostArray& found, const std::vector<int64_t>& shape, const std::vector<double>& values) {
  ASSERT_EQ(found.shape(), shape);
  for (size_t i = 0; i < values.size(); ++i) {
    const double v = found.get(i);
    EXPECT_TRUE(v == values[i] || (std::isnan(v) && std::isnan(values[i])) || std::abs(v - values[i]) < 1e-6)
        << "element " << i << ": " << v << ", expected " << values[i];
  }
}

TEST(Shape, ReshapeInfersOneExtentAlsoBesideASymbol) {
  Graph graph("test");
  const Dim b = Dim::symbol("B");
  const Value x = graph.add_parameter(Type::of(DType::f32, {b, 4, 6}));
  EXPECT_EQ(reshape(x, {b, -1}).type(), Type::of(DType::f32, {b, 24}));
  EXPECT_EQ(reshape(x, {-1, 3}).type(), Type::of(DType::f32, {b * Dim(8), 3}));
  EXPECT_EQ(code_of([&] { reshape(x, {b, 25}); }), "E0101");
  EXPECT_EQ(code_of([&] { reshape(x, {-1, -1}); }), "E0101");
}

TEST(Shape, SliceTakesNegativeBoundsAndSteps) {
  const auto y = run({f32({7}, {0, 1, 2, 3, 4, 5, 6})},
                     [](auto& p) { return std::vector<Value>{slice(p[0], {{-5, Dim(-1), 2}})}; });
  expect(y[0], {2}, {2, 4});
}

TEST(Shape, PadWithNegativeEdgesCropsAfterTheInterior) {
  const auto y = run({f32({3}, {1, 2, 3}), f32({}, {9})},
                     [](auto& p) { return std::vector<Value>{pad(p[0], p[1], {{-1, 2, 1}})}; });
  expect(y[0], {6}, {9, 2, 9, 3, 9, 9});
}

TEST(Shape, DynamicSliceClampsItsStart) {
  const auto y = run({f32({5}, {0, 1, 2, 3, 4}), i32({}, {9}), i32({}, {-3})}, [](auto& p) {
    return std::vector<Value>{dynamic_slice(p[0], {p[1]}, {2}), dynamic_slice(p[0], {p[2]}, {2}),
                              dynamic_update_slice(p[0], slice(p[0], {{0, Dim(2)}}), {p[1]})};
  });
  expect(y[0], {2}, {3, 4});
  expect(y[1], {2}, {0, 1});
  expect(y[2], {5}, {0, 1, 2, 0, 1});
}

TEST(Index, GatherOutOfRangeClampsFillsOrFails) {
  auto gathered = [](OutOfRange mode) {
    return run({f32({3}, {10, 20, 30}), i32({3}, {-1, 1, 7})},
               [mode](auto& p) { return std::vector<Value>{take(p[0], p[1], 0, mode)}; })[0];
  };
  expect(gathered(OutOfRange::Clamp), {3}, {10, 20, 30});
  expect(gathered(OutOfRange::Fill), {3}, {0, 20, 0});
  EXPECT_EQ(code_of([&] { gathered(OutOfRange::Check); }), "E0118");
}

TEST(Index, ScatterAppliesRepeatedPositionsInOrder) {
  const auto y = run({f32({3}, {1, 1, 1}), i32({4}, {2, 0, 2, 9}), f32({4}, {5, 6, 7, 8})}, [](auto& p) {
    return std::vector<Value>{index_update(p[0], 0, p[1], p[2], Combine::Set),
                              index_update(p[0], 0, p[1], p[2], Combine::Add),
                              index_update(p[0], 0, p[1], p[2], Combine::Max)};
  });
  expect(y[0], {3}, {6, 1, 7});
  expect(y[1], {3}, {7, 1, 13});
  expect(y[2], {3}, {6, 1, 7});
}

TEST(Contraction, MatmulBroadcastsLeadingAxesAndNamesBothExtents) {
  const auto y = run({f32({2, 1, 2}, {1, 2, 3, 4}), f32({2, 2}, {1, 0, 1, 1}), f32({2}, {1, -1})}, [](auto& p) {
    return std::vector<Value>{matmul(p[0], p[1]), matmul(p[0], p[2]),
                              einsum("bik,kj->jbi", std::vector<Value>{p[0], p[1]})};
  });
  expect(y[0], {2, 1, 2}, {3, 2, 7, 4});
  expect(y[1], {2, 1}, {-1, -1});
  expect(y[2], {2, 2, 1}, {3, 7, 2, 4});
  Graph graph("test");
  const Value a = graph.add_parameter(Type::of(DType::f32, {32, 784})),
              b = graph.add_parameter(Type::of(DType::f32, {768, 128}));
  EXPECT_EQ(code_of([&] { matmul(a, b); }), "E0102");
}

TEST(Contraction, ConvCountsPaddingStridesAndGroups) {
  const auto y = run({f32({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}), f32({1, 1, 2, 2}, {1, 0, 0, 1})}, [](auto& p) {
    return std::vector<Value>{conv(p[0], p[1]),
                              conv(p[0], p[1], {.strides = {2, 2}, .pad_lo = {1, 1}, .pad_hi = {1, 1}})};
  });
  expect(y[0], {1, 1, 2, 2}, {6, 8, 12, 14});
  expect(y[1], {1, 1, 2, 2}, {1, 3, 7, 14});
  const auto grouped = run({f32({1, 2, 1}, {3, 5}), f32({2, 1, 1}, {2, 4})},
                           [](auto& p) { return std::vector<Value>{conv(p[0], p[1], {.groups = 2})}; });
  expect(grouped[0], {1, 2, 1}, {6, 20});
}

TEST(Contraction, ConvKeepsASymbolicBatch) {
  Graph graph("test");
  const Dim b = Dim::symbol("B");
  const Value x = graph.add_parameter(Type::of(DType::f32, {b, 1, 28, 28})),
              w = graph.add_parameter(Type::of(DType::f32, {6, 1, 5, 5}));
  const Value y = conv(x, w, {.pad_lo = {2, 2}, .pad_hi = {2, 2}});
  EXPECT_EQ(y.type(), Type::of(DType::f32, {b, 6, 28, 28}));
  EXPECT_EQ(max_pool(y, {.window = {2, 2}}).type(), Type::of(DType::f32, {b, 6, 14, 14}));
}

TEST(Reduction, EmptyFoldsGiveTheirIdentity) {
  const auto y = run({f32({2, 0}, {})}, [](auto& p) {
    return std::vector<Value>{reduce_sum(p[0], {1}), reduce_prod(p[0], {1}), reduce_max(p[0], {1}),
                              reduce_min(p[0], {1})};
  });
  const double inf = std::numeric_limits<double>::infinity();
  expect(y[0], {2}, {0, 0});
  expect(y[1], {2}, {1, 1});
  expect(y[2], {2}, {-inf, -inf});
  expect(y[3], {2}, {inf, inf});
}

TEST(Reduction, NanWinsAndTheFirstOfEqualsIsFound) {
  const auto y = run({f32({2, 4}, {1, 7, 7, 0, 5, kNan, 9, kNan})}, [](auto& p) {
    return std::vector<Value>{argmax(p[0], 1), argmin(p[0], 1), reduce_max(p[0], {1}), variance(p[0], {1})};
  });
  expect(y[0], {2}, {1, 1});
  expect(y[1], {2}, {3, 1});
  expect(y[2], {2}, {7, kNan});
  EXPECT_NEAR(y[3].get(0), 10.6875, 1e-5);
}

TEST(Window, PoolingFollowsTheFirstOfEqualsAndSkipsPadding) {
  const auto y = run({f32({1, 1, 2, 3}, {4, 4, 1, 4, 0, 2})}, [](auto& p) {
    const Window w{.window = {1, 1, 2, 2}, .strides = {1, 1, 2, 2}, .pad_lo = {0, 0, 0, 0}, .pad_hi = {0, 0, 0, 1}};
    return std::vector<Value>{reduce_window(kWindowMax, p[0], w), window_position(kWindowArgmax, p[0], w, 2),
                              avg_pool(p[0], {.window = {2, 3}})};
  });
  expect(y[0], {1, 1, 1, 2}, {4, 2});
  expect(y[1], {1, 1, 1, 2}, {0, 5});
  expect(y[2], {1, 1, 1, 1}, {2.5});
}

TEST(Sort, IsStableAndPutsNanLastBothWays) {
  const auto y = run({f32({5}, {2, kNan, 1, 2, -1}), i32({5}, {0, 1, 2, 3, 4})}, [](auto& p) {
    const auto up = sort({p[0], p[1]}, 0), down = sort({p[0], p[1]}, 0, Order::Descending);
    const auto [values, at] = top_k(p[0], 3);
    return std::vector<Value>{up[0], up[1], down[1], values, at};
  });
  expect(y[0], {5}, {-1, 1, 2, 2, kNan});
  expect(y[1], {5}, {4, 2, 0, 3, 1});
  expect(y[2], {5}, {0, 3, 2, 4, 1});
  expect(y[3], {3}, {2, 2, 1});
  expect(y[4], {3}, {0, 3, 2});
}

TEST(Control, LoopsAndBranchesRunTheirRegions) {
  const auto y = run({f32({}, {2}), f32({3}, {1, 2, 3}), i32({}, {3})}, [](auto& p) {
    auto sums = scan({.carries = {p[0]}, .xs = {p[1]}}, 3,
                     [](Graph&, auto& v) { return std::vector<Value>{v[0] + v[1], v[0] * v[1]}; });
    auto back = scan(
        {.carries = {p[0]}, .xs = {p[1]}}, 3,
        [](Graph&, auto& v) { return std::vector<Value>{v[0] + v[1], v[0] * v[1]}; }, ScanOrder::Reverse);
    auto powers = while_loop(
        {p[0]}, {p[2], p[0]}, [](Graph&, auto& v) { return std::vector<Value>{gt<Value>(v[1], 0)}; },
        [](Graph&, auto& v) { return std::vector<Value>{v[1] - 1, v[2] * v[0]}; });
    auto chosen = cond(
        gt<Value>(p[2], 5), {p[0]}, [](Graph&, auto& v) { return std::vector<Value>{v[0] + 1.0}; },
        [](Graph&, auto& v) { return std::vector<Value>{v[0] - 1.0}; });
    return std::vector<Value>{sums.carries[0], sums.ys[0], back.ys[0], powers[1], chosen[0]};
  });
  expect(y[0], {}, {8});
  expect(y[1], {3}, {2, 6, 15});
  expect(y[2], {3}, {7, 10, 6});
  expect(y[3], {}, {16});
  expect(y[4], {}, {1});
}

TEST(Control, RegionsThatDoNotFitAreRefused) {
  Graph graph("test");
  const Value x = graph.add_parameter(Type::of(DType::f32, {3}));
  EXPECT_EQ(code_of([&] {
              scan({.carries = {x}}, 3, [](Graph&, auto& v) { return std::vector<Value>{reduce_sum(v[0], {0})}; });
            }),
            "E0117");
  EXPECT_EQ(code_of([&] { scan({.xs = {x}}, 4, [](Graph&, auto& v) { return std::vector<Value>{v[0]}; }); }), "E0117");
}

}  // namespace
}  // namespace strata::ops
