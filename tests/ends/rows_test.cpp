// Functions of rows at their ends, and every composite in half floats: it gives exactly the rounding of what its f32
// program gives, values and gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "strata/compiler/compile.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/dropout.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/window/window.h"
#include "strata/transform/gradient.h"
#include "tests/ends/golden_lines.h"

namespace strata::ends {
namespace {

using ir::DType;
using ir::HostArray;
using ir::Value;
using Fill = std::function<Value(const std::vector<Value>&)>;

/// (x, rest...) -> (y, gradient of x for the cotangent)
std::shared_ptr<ir::Graph> program(const std::vector<HostArray>& arguments, const Fill& fill, bool takes_cotangent) {
  auto graph = std::make_shared<ir::Graph>("row");
  std::vector<Value> x;
  for (const HostArray& a : arguments)
    x.push_back(graph->add_parameter(ir::Type::of(a.dtype(), ir::Shape(a.shape().begin(), a.shape().end()))));
  const Value cotangent = takes_cotangent ? x.back() : Value{};
  const Value y = fill(x), seed = takes_cotangent && y.rank() ? cotangent : ops::ones_like(y);
  graph->set_results({y, transform::append_vjp(*graph, {&y, 1}, {&seed, 1}, {x.data(), 1})[0]});
  return graph;
}

struct OfRow {
  const char* name;
  Fill f;
  double ulps;
};
const OfRow kOfRows[] = {
    {"softmax", [](auto& p) { return ops::softmax(p[0], 0); }, 8},
    {"log_softmax", [](auto& p) { return ops::log_softmax(p[0], 0); }, 8},
    {"logsumexp", [](auto& p) { return ops::logsumexp(p[0], {0}); }, 8},
    {"cross_entropy",
     [](auto& p) {
       const Value target = ops::scalar(p[0].graph(), DType::i64, 1);
       return ops::cross_entropy(p[0], target);
     },
     8},
    {"mean", [](auto& p) { return ops::mean(p[0], {0}); }, 8},
    {"variance", [](auto& p) { return ops::variance(p[0], {0}, 0); }, 8},
    {"layer_norm", [](auto& p) { return ops::layer_norm(p[0], {}, {}); }, 8},
    {"rms_norm", [](auto& p) { return ops::rms_norm(p[0], {}); }, 8},
};

double largest_of(const std::vector<double>& numbers, size_t first, size_t count) {
  double largest = 0;
  for (size_t i = first; i < first + count; ++i)
    if (std::isfinite(numbers[i])) largest = std::max(largest, std::fabs(numbers[i]));
  return largest;
}

TEST(Rows, F32IsTheGoldenRow) {
  for (const OfRow& f : kOfRows) {
    const auto lines = golden_lines("rows", f.name);
    ASSERT_FALSE(lines.empty()) << f.name;
    for (const GoldenLine& line : lines) {
      const auto& n = line.numbers;
      const std::vector<HostArray> arguments{array_of(DType::f32, {n.begin(), n.begin() + 4}),
                                             array_of(DType::f32, {1, -2, 3, 0.5})};
      const auto graph = program(arguments, f.f, true);
      const auto interpreted = ir::interpret(*graph, arguments),
                 compiled = compiler::compile(graph)->run(std::vector(arguments));
      for (const auto* results : {&interpreted, &compiled}) {
        size_t at = 4;
        for (const HostArray& r : *results) {
          const size_t count = r.elements();
          for (size_t i = 0; i < count; ++i)
            EXPECT_TRUE(is_near(n[at + i], r.get(i), f.ulps, std::max(largest_of(n, at, count), at > 4 ? 1.0 : 0.0)))
                << f.name << testing::PrintToString(n) << " number " << at + i << " is " << r.get(i);
          at += count;
        }
      }
    }
  }
}

HostArray sample(DType t, std::vector<int64_t> shape, double scale) {
  HostArray a(t, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i)
    a.set(i, rounded(DType::bf16, rounded(DType::f16, scale * std::sin(1.7 * static_cast<double>(i) + scale))));
  return a;
}

struct Composite {
  const char* name;
  std::vector<int64_t> shape;
  int operands;
  std::function<Value(const std::vector<Value>&)> f;
};
const Composite kComposites[] = {
    {"softmax", {3, 40}, 1, [](auto& p) { return ops::softmax(p[0], 1); }},
    {"log_softmax", {3, 40}, 1, [](auto& p) { return ops::log_softmax(p[0], 1); }},
    {"logsumexp", {3, 40}, 1, [](auto& p) { return ops::logsumexp(p[0], {1}); }},
    {"cross_entropy",
     {3, 40},
     1,
     [](auto& p) {
       return ops::cross_entropy(p[0], ops::iota(p[0].graph(), ir::Type::of(DType::i64, {3}), 0),
                                 {.label_smoothing = 0.1});
     }},
    {"layer_norm", {6, 20}, 1, [](auto& p) { return ops::layer_norm(p[0], {}, {}); }},
    {"rms_norm", {6, 20}, 1, [](auto& p) { return ops::rms_norm(p[0], {}); }},
    {"group_norm", {2, 4, 5}, 1, [](auto& p) { return ops::group_norm(p[0], 2, {}, {}); }},
    {"batch_norm_train", {6, 4, 5}, 1, [](auto& p) { return ops::batch_norm_train(p[0], {}, {}).result; }},
    {"attention", {1, 2, 5, 4}, 3, [](auto& p) { return ops::attention(p[0], p[1], p[2], {}, {.is_causal = true}); }},
    {"rope",
     {1, 1, 6, 8},
     1,
     [](auto& p) { return ops::rope(p[0], ops::iota(p[0].graph(), ir::Type::of(DType::i64, {6}), 0)); }},
    {"mean", {3, 100}, 1, [](auto& p) { return ops::mean(p[0], {1}); }},
    {"variance", {3, 100}, 1, [](auto& p) { return ops::variance(p[0], {1}); }},
    {"avg_pool", {1, 2, 8, 8}, 1, [](auto& p) { return ops::avg_pool(p[0], {.window = {4, 4}}); }},
    {"mse", {3, 40}, 2, [](auto& p) { return ops::mse(p[0], p[1]); }},
    {"l1", {3, 40}, 2, [](auto& p) { return ops::l1(p[0], p[1]); }},
    {"huber", {3, 40}, 2, [](auto& p) { return ops::huber(p[0], p[1]); }},
    {"bce_with_logits", {3, 40}, 2, [](auto& p) { return ops::bce_with_logits(p[0], p[1]); }},
    {"kl_div", {3, 40}, 2, [](auto& p) { return ops::kl_div(p[0], p[1]); }},
    {"dropout",
     {3, 40},
     1,
     [](auto& p) {
       HostArray key(DType::u32, {2});
       return ops::dropout(p[0], ops::constant(p[0].graph(), key), 0.3);
     }},
};

TEST(Composites, HalfFloatsRoundOnceWhatF32Gives) {
  for (const Composite& c : kComposites)
    for (DType t : {DType::f16, DType::bf16}) {
      std::vector<HostArray> half, wide;
      for (int i = 0; i < c.operands; ++i) {
        half.push_back(sample(t, c.shape, 3.0 + i));
        wide.push_back(sample(DType::f32, c.shape, 3.0 + i));
      }
      const auto from = compiler::compile(program(wide, c.f, false))->run(std::vector(wide));
      const auto found = compiler::compile(program(half, c.f, false))->run(std::vector(half));
      for (size_t r = 0; r < found.size(); ++r)
        for (int64_t i = 0; i < found[r].elements(); ++i)
          ASSERT_TRUE(is_rounding_of(t, from[r].get(i), found[r].get(i), 0))
              << c.name << " in " << ir::dtype_name(t) << ", result " << r << " at " << i << ": " << found[r].get(i)
              << " from " << from[r].get(i);
    }
}

}  // namespace
}  // namespace strata::ends
