// Programs of attention for tests: a case, its graph with derivatives to second order, and the plain formula of it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/transform/gradient.h"

namespace strata::attention_test {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

struct Case {
  int64_t batch = 1, heads = 2, key_heads = 2, queries = 70, keys = 70, depth = 8;
  ops::AttentionOptions options = {.is_causal = true};
  enum Mask : uint8_t { None, Bool, Float, Row } mask = None;
  bool has_factor = false;
  bool has_sinks = false, has_segments = false;
  DType dtype = DType::f32;

  std::string str() const {
    return fmt::format("[{},{}/{},{}x{},{}] causal {} window {} cap {} block {} mask {} factor {} {} {} {}", batch,
                       heads, key_heads, queries, keys, depth, options.is_causal, options.window, options.soft_cap,
                       options.key_block, static_cast<int>(mask), has_factor, has_sinks, has_segments,
                       ir::dtype_name(dtype));
  }
};

struct Program {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>("attention");
  Value q, k, v, mask, factor, sinks, segments, y;
  Values floats;  ///< of the operands
  std::vector<HostArray> arguments;

  Value add(DType dtype, std::vector<Dim> shape, uint32_t seed) {
    const Value p = graph->add_parameter(Type::of(dtype, shape));
    std::vector<int64_t> numbers;
    for (Dim d : shape) numbers.push_back(d.constant());
    const HostArray drawn = compiler::random_array(numbers, seed);
    HostArray a(dtype, numbers);
    for (int64_t i = 0; i < a.elements(); ++i) {
      if (ir::is_bool(dtype))
        a.set_int(i, drawn.get(i) > -0.5);
      else
        a.set(i, drawn.get(i));
    }
    arguments.push_back(std::move(a));
    if (ir::is_float(dtype)) floats.push_back(p);
    return p;
  }

  explicit Program(const Case& c, bool is_plain = false) {
    q = add(c.dtype, {c.batch, c.heads, c.queries, c.depth}, 1);
    k = add(c.dtype, {c.batch, c.key_heads, c.keys, c.depth}, 2);
    v = add(c.dtype, {c.batch, c.key_heads, c.keys, c.depth}, 3);
    if (c.mask == Case::Bool) mask = add(DType::boolean, {c.batch, 1, c.queries, c.keys}, 4);
    if (c.mask == Case::Float) mask = add(c.dtype, {c.heads, c.queries, c.keys}, 4);
    if (c.mask == Case::Row) mask = add(c.dtype, {1, c.heads, 1, c.keys}, 4);
    if (c.has_factor) factor = add(c.dtype, {c.batch, c.heads, c.queries, c.keys}, 5);
    if (c.has_sinks) sinks = add(c.dtype, {c.heads}, 7);
    if (c.has_segments) {
      segments = add(DType::i32, {c.batch, c.keys}, 8);
      for (int64_t i = 0; i < c.batch * c.keys; ++i)
        arguments.back().set_int(i, i % c.keys < 20 ? 3 : i % c.keys < 64 ? 1 : 2);
    }
    y = is_plain ? plain(c) : ops::attention(q, k, v, mask, c.options, factor, sinks, segments);
    graph->set_results({&y, 1});
  }

  /// The formula, over all keys at once.
  Value plain(const Case& c) {
    const auto heads = [&](Value x) {
      const Dim times = c.heads / c.key_heads;
      const std::vector<Dim> apart{c.batch, c.key_heads, times, c.keys, c.depth};
      const std::vector<int64_t> axes{0, 1, 3, 4};
      return ops::reshape(ops::broadcast(x, apart, axes), {c.batch, c.heads, c.keys, c.depth});
    };
    const double scale = c.options.scale.value_or(1 / std::sqrt(static_cast<double>(c.depth)));
    Value s = ops::dot(q, heads(k), {{3}, {3}, {0, 1}, {0, 1}}) * scale;
    if (c.options.soft_cap > 0) s = ops::tanh(s * (1 / c.options.soft_cap)) * c.options.soft_cap;
    if (c.mask == Case::Float || c.mask == Case::Row) s = s + mask;
    const Value row = ops::iota_like(s, DType::i64, 2) + (c.keys - c.queries),
                column = ops::iota_like(s, DType::i64, 3);
    Value seen = ops::ge<Value>(column, 0);
    if (c.options.is_causal) seen = seen & ops::le<Value>(column, row);
    if (c.options.window > 0) seen = seen & ops::gt<Value>(column, row - c.options.window);
    if (c.options.window > 0) seen = seen & ops::lt<Value>(column, row + c.options.window);
    if (c.mask == Case::Bool) seen = seen & ops::broadcast_to(mask, s.shape());
    if (segments) {
      const auto along = [&](int64_t axis) {
        const std::vector<int64_t> axes{0, axis};
        return ops::broadcast(segments, s.shape(), axes);
      };
      seen = seen & ops::eq<Value>(along(2), along(3));
    }
    s = ops::select(seen, s, ops::constant_like(s, -1e30));
    if (sinks) {
      const std::vector<Dim> column{c.batch, c.heads, c.queries, 1};
      const std::vector<int64_t> heads{1};
      s = ops::concat({s, ops::broadcast(sinks, column, heads)}, 3);
    }
    Value weights = ops::slice_axis(ops::softmax(s, 3), 3, {.limit = Dim(c.keys)});
    weights = ops::select(seen, weights, ops::zeros_like(weights));
    if (factor) weights = weights * ops::cast(factor, weights.dtype());
    return ops::dot(weights, heads(v), {{3}, {2}, {0, 1}, {0, 1}});
  }

  /// Results: y, and the gradients of its product with fixed numbers.
  void add_gradients() {
    Values results{y};
    const Value seed = add(y.dtype(), {y.type().shape().begin(), y.type().shape().end()}, 6);
    floats.pop_back();
    for (const Value& g : transform::append_vjp(*graph, {&y, 1}, {&seed, 1}, floats)) results.push_back(g);
    graph->set_results(results);
  }
};

inline std::vector<HostArray> run(const Program& p, const compiler::CompileOptions& options = {}) {
  return compiler::compile(p.graph, options)->run(std::vector(p.arguments));
}

inline bool are_same(const HostArray& a, const HostArray& b) {
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.get(i), y = b.get(i);
    if (!(x == y && std::signbit(x) == std::signbit(y)) && !(std::isnan(x) && std::isnan(y))) return false;
  }
  return a.elements() == b.elements();
}

/// Any NaN is any other.
inline void expect_same_bits(const std::vector<HostArray>& a, const std::vector<HostArray>& b,
                             const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t r = 0; r < a.size(); ++r) EXPECT_TRUE(are_same(a[r], b[r])) << "result " << r << " of " << what;
}

/// jvp and vjp of <gradient of sum of squares, fixed direction>.
inline void add_second_order(Program& p) {
  const Value loss = ops::reduce_sum(p.y * p.y, {0, 1, 2, 3});
  const Values first = transform::append_gradient(*p.graph, loss, p.floats);
  Values tangents;
  Value along;
  for (size_t i = 0; i < p.floats.size(); ++i) {
    const auto shape = p.floats[i].type().shape();
    const Value u = p.add(p.floats[i].dtype(), {shape.begin(), shape.end()}, 20 + static_cast<uint32_t>(i));
    p.floats.pop_back();
    tangents.push_back(u);
    ops::Ints axes;
    for (int64_t a = 0; a < u.rank(); ++a) axes.push_back(a);
    const Value term = ops::reduce_sum(first[i] * u, axes);
    along = along ? along + term : term;
  }
  Values results = transform::append_jvp(*p.graph, first, p.floats, tangents);
  for (const Value& g : transform::append_gradient(*p.graph, along, p.floats)) results.push_back(g);
  p.graph->set_results(results);
}

}  // namespace strata::attention_test
