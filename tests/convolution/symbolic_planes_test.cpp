// Convolutions of planes whose height and width are symbols, with both gradients: the bits of the program of the same
// numbers, for each combination of stride, dilations, padding and groups.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "strata/base/error/message_of.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/transform/gradient.h"

namespace strata {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

struct Case {
  int64_t stride = 1, image_dilation = 1, window_dilation = 1, pad_lo = 0, pad_hi = 0, groups = 1;
  int64_t window = 3;

  std::string str() const {
    return fmt::format("window {}, stride {}, dilations {} and {}, padding {} and {}, {} groups", window, stride,
                       image_dilation, window_dilation, pad_lo, pad_hi, groups);
  }
  bool fits(int64_t width) const {
    const int64_t spread = width == 0 ? 0 : (width - 1) * image_dilation + 1;
    return spread + pad_lo + pad_hi >= (window - 1) * window_dilation + 1;
  }
  /// Along the width; the height has none of it but the stride.
  ops::ConvShape shape() const {
    return {.strides = {stride, stride},
            .pad_lo = {1, pad_lo},
            .pad_hi = {1, pad_hi},
            .lhs_dilation = {1, image_dilation},
            .rhs_dilation = {1, window_dilation},
            .groups = groups};
  }
};

std::vector<Case> cases() {
  constexpr std::pair<int64_t, int64_t> kPads[] = {{0, 0}, {2, 1}, {-1, 3}};
  std::vector<Case> list;
  for (const int64_t stride : {1, 2, 3})
    for (const int64_t image_dilation : {1, 2, 3})
      for (const int64_t window_dilation : {1, 2}) {
        const size_t at = list.size() % 3;
        list.push_back({stride, image_dilation, window_dilation, kPads[at].first, kPads[at].second, at == 1 ? 2 : 1});
      }
  list.push_back({.stride = 2, .image_dilation = 2, .window_dilation = 3, .pad_lo = 5, .pad_hi = 5, .window = 2});
  list.push_back({.stride = 2, .image_dilation = 2, .window = 1});
  list.push_back({.image_dilation = 2, .pad_lo = 3, .pad_hi = 3});  // of no columns, still results
  return list;
}

/// y and the gradients of x and w; of second order, those of the sum of squares of the gradient of x.
enum class Order : uint8_t { First, Second };
std::shared_ptr<Graph> program(const Case& c, Dim height, Dim width, Order order = Order::First) {
  auto graph = std::make_shared<Graph>("planes");
  const Value x = graph->add_parameter(Type::of(DType::f32, {2, 2 * c.groups, height, width})),
              w = graph->add_parameter(Type::of(DType::f32, {3 * c.groups, 2, 3, c.window})),
              y = ops::fitting_conv(x, w, c.shape());
  const Value seed = ops::sin(y), wanted[] = {x, w};
  std::vector<Value> results{y};
  for (const Value& g : transform::append_vjp(*graph, {&y, 1}, {&seed, 1}, wanted)) results.push_back(g);
  if (order == Order::Second) {
    const Value squares = ops::reduce_sum(results[1] * results[1], {0, 1, 2, 3});
    for (const Value& g : transform::append_gradient(*graph, squares, wanted)) results.push_back(g);
  }
  graph->set_results(results);
  return graph;
}

std::vector<HostArray> arguments(const Case& c, int64_t height, int64_t width) {
  return {compiler::random_array({2, 2 * c.groups, height, width}, 1),
          compiler::random_array({3 * c.groups, 2, 3, c.window}, 2)};
}

void expect_bits_of_numbers(const Case& c, Order order) {
  std::shared_ptr<Graph> graph;
  const std::string refusal = base::message_of([&] { graph = program(c, Dim::symbol("H"), Dim::symbol("W"), order); });
  ASSERT_TRUE(graph) << c.str() << ": " << refusal;
  const auto compiled = compiler::compile(graph);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{5, 11}, {1, 7}, {3, 0}, {4, 3}}) {
    if (!c.fits(width)) continue;
    const auto given = arguments(c, height, width);
    const auto expected = compiler::run_natively(program(c, height, width, order), given),
               interpreted = ir::interpret(*graph, given), found = compiled->run(std::vector(given));
    for (size_t r = 0; r < found.size(); ++r) {
      EXPECT_TRUE(found[r].same_bits(expected[r])) << c.str() << ", result " << r << " of " << height << " x " << width;
      ASSERT_EQ(found[r].elements(), interpreted[r].elements()) << c.str() << ", result " << r;
      for (int64_t i = 0; i < found[r].elements(); ++i)
        ASSERT_NEAR(found[r].get(i), interpreted[r].get(i), 2e-5 * (1 + std::fabs(interpreted[r].get(i))))
            << c.str() << ", result " << r;
    }
  }
}

TEST(SymbolicPlanes, HaveTheBitsOfTheProgramOfTheirNumbers) {
  for (const Case& c : cases()) expect_bits_of_numbers(c, Order::First);
}

TEST(SymbolicPlanes, SecondDerivativesHaveThemToo) {
  expect_bits_of_numbers({.stride = 2, .image_dilation = 2, .window_dilation = 2, .pad_lo = 2, .pad_hi = 3},
                         Order::Second);
}

TEST(SymbolicPlanes, AWindowThatFitsNowhereIsAnErrorAtEntry) {
  const Case c{.stride = 2, .image_dilation = 2, .window_dilation = 3, .pad_lo = 1};
  const auto compiled = compiler::compile(program(c, Dim::symbol("H"), Dim::symbol("W")));
  const auto message = [&](int64_t width) {
    const std::string all = base::message_of([&] { compiled->run(arguments(c, 5, width)); });
    return all.substr(0, all.find('\n'));
  };
  const char* expected =
      "error[E0136]: check failed at element 0: conv: the window spans 7 elements of axis 3, but f32[2,2,H,W] has "
      "W + max(W - 1, 0) there and 1 of padding";
  EXPECT_EQ(message(3), expected);
  EXPECT_EQ(message(0), expected);
  EXPECT_EQ(compiled->run(arguments(c, 5, 4))[0].shape().back(), 1);
}

}  // namespace
}  // namespace strata
