#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "strata/ir/encoding/encode_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/list.h"
#include "strata/transform/gradient.h"
#include "strata/transform/testing/numeric_checks.h"
#include "strata/transform/vmap.h"

namespace strata::transform::checks {

using ir::DType;
using Domain = ir::SampleOperand::Domain;

namespace {

HostArray converted(const HostArray& a) {
  HostArray b(DType::f64, a.shape());
  for (int64_t i = 0; i < a.elements(); ++i) b.set(i, a.get(i));
  return b;
}

/// Attributes as they are in f64; literals that this makes go to `keep`.
std::vector<ir::Attr> attrs_in_f64(std::span<const ir::Attr> attrs, std::vector<std::unique_ptr<HostArray>>& keep) {
  std::vector<ir::Attr> list(attrs.begin(), attrs.end());
  for (ir::Attr& a : list) {
    if (a.kind == ir::AttrKind::Type && is_float(a.dtype)) a.dtype = DType::f64;
    if (a.kind != ir::AttrKind::Array || !is_float(a.array->dtype())) continue;
    keep.push_back(std::make_unique<HostArray>(converted(*a.array)));
    a.array = keep.back().get();
  }
  return list;
}

std::vector<ir::GraphRef> regions_in_f64(std::span<const ir::GraphRef> regions) {
  std::vector<ir::GraphRef> list;
  for (const ir::GraphRef& r : regions) list.push_back(in_f64(*r));
  return list;
}

bool is_usable(const ir::Sample& s) {
  for (const ir::SampleOperand& o : s.operands) {
    if (o.domain == Domain::Special) return false;
    for (ir::Dim d : o.type.shape())
      if (d.is_constant() && d.constant() == 0) return false;
  }
  return !s.operands.empty();
}

bool takes_floats(const ir::Sample& s) {
  return std::ranges::any_of(s.operands, [](const ir::SampleOperand& o) { return is_float(o.type.dtype()); });
}

/// Ties have no two-sided derivative: exact numbers become distinct ones.
HostArray smooth_argument(ir::SampleOperand o, uint64_t seed) {
  if (is_float(o.type.dtype()) && o.domain == Domain::Exact) o.domain = Domain::Normal;
  return ops::sample_array(o, seed);
}

/// A result that is infinite (the largest of nothing) has no derivative: it weighs nothing.
HostArray cotangent_of(const HostArray& result, uint64_t seed) {
  HostArray weights = normal_like(result, seed);
  for (int64_t i = 0; i < result.elements(); ++i)
    if (!std::isfinite(result.get(i))) weights.set(i, 0);
  return weights;
}

std::vector<HostArray> random_cotangents(const std::vector<HostArray>& results) {
  std::vector<HostArray> list;
  for (size_t r = 0; r < results.size(); ++r)
    if (is_float(results[r].dtype())) list.push_back(cotangent_of(results[r], 100 + r));
  return list;
}

std::vector<HostArray> appended(std::span<const HostArray> a, std::span<const HostArray> b) {
  std::vector<HostArray> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

HostArray stacked(const HostArray& x, int64_t count, uint64_t seed) {
  if (x.is_encoded()) return ir::encode_array(stacked(x.decoded(), count, seed), x.encoding());
  std::vector<int64_t> shape{count};
  shape.insert(shape.end(), x.shape().begin(), x.shape().end());
  HostArray all(x.dtype(), shape);
  const int64_t n = x.elements();
  // Each example holds the sample's elements in another order: values stay in the domain that the op asks for.
  for (int64_t b = 0; b < count; ++b)
    for (int64_t i = 0; i < n; ++i) {
      const int64_t from = (i + b * static_cast<int64_t>(1 + seed % 3)) % n;
      if (is_float(x.dtype()))
        all.set(b * n + i, x.get(from));
      else
        all.set_int(b * n + i, x.get_int(from));
    }
  return all;
}

HostArray example(const HostArray& batch, int64_t i) {
  if (batch.is_encoded()) return ir::encode_array(example(batch.decoded(), i), batch.encoding());
  HostArray x(batch.dtype(), {batch.shape().begin() + 1, batch.shape().end()});
  std::memcpy(x.data(), batch.data() + i * x.bytes(), x.bytes());
  return x;
}

bool is_near(const HostArray& a, const HostArray& b, int64_t i) {
  if (!is_float(a.dtype())) return a.get_int(i) == b.get_int(i);
  const double x = a.get(i), y = b.get(i);
  return x == y || (std::isnan(x) && std::isnan(y)) || std::abs(x - y) <= 1e-9 * (1 + std::abs(y));
}

}  // namespace

std::shared_ptr<Graph> in_f64(const Graph& graph) {
  auto result = std::make_shared<Graph>(graph.name());
  ir::GraphCopier copier(graph, *result);
  std::vector<std::unique_ptr<HostArray>> keep;
  for (const ir::Node* node : graph.nodes()) {
    if (node->is_parameter()) {
      const ir::Type t = node->type();
      copier.set(node->result(), result->add_parameter(is_float(t.dtype()) ? t.with_dtype(DType::f64) : t));
      continue;
    }
    const ir::Node* image = result->add(*node->op, copier.get(node->operands()), attrs_in_f64(node->attrs.all(), keep),
                                        regions_in_f64(node->regions()));
    for (uint32_t i = 0; i < node->result_count; ++i) copier.set(node->result(i), image->result(i));
  }
  result->set_results(copier.get(graph.results()));
  return result;
}

std::vector<Case> table_cases() {
  std::vector<Case> cases;
  for (const ir::Op* op : ops::all_ops()) {
    if (!op->samples) continue;
    int number = 0;
    for (const ir::Sample& s : op->samples.fn()) {
      ++number;
      if (!is_usable(s)) continue;
      Case c{std::string(op->name) + " sample " + std::to_string(number), op, ops::sample_graph(*op, s), {}};
      if (takes_floats(s)) c.graph = in_f64(*c.graph);
      for (size_t i = 0; i < s.operands.size(); ++i) {
        ir::SampleOperand o = s.operands[i];
        o.type = c.graph->parameters()[i]->type();
        c.name += " " + o.type.str();
        c.arguments.push_back(smooth_argument(o, 17 + i * 31));
      }
      cases.push_back(std::move(c));
    }
  }
  return cases;
}

std::vector<int> float_parameters(const Graph& graph) {
  std::vector<int> list;
  for (size_t i = 0; i < graph.parameters().size(); ++i)
    if (is_float(graph.parameters()[i]->type().dtype())) list.push_back(i);
  return list;
}

std::vector<int> float_results(const Graph& graph) {
  std::vector<int> list;
  for (size_t i = 0; i < graph.results().size(); ++i)
    if (is_float(graph.results()[i].dtype())) list.push_back(i);
  return list;
}

HostArray normal_like(const HostArray& shape, uint64_t seed) {
  HostArray a(DType::f64, shape.shape());
  std::mt19937_64 rng(seed);
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, normal(rng));
  return a;
}

HostArray moved(const HostArray& x, const HostArray& t, double by) {
  HostArray y = x.clone();
  for (int64_t i = 0; i < x.elements(); ++i) y.set(i, x.get(i) + by * t.get(i));
  return y;
}

double inner(const HostArray& a, const HostArray& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.elements(); ++i)
    if (b.get(i) != 0) sum += a.get(i) * b.get(i);
  return sum;
}

std::unique_ptr<Graph> vjp_program(const Graph& graph) {
  auto program = ir::copy_graph(graph);
  std::vector<Value> outputs, seeds, inputs;
  for (int r : float_results(graph)) {
    outputs.push_back(program->results()[r]);
    seeds.push_back(program->add_parameter(outputs.back().type()));
  }
  for (int p : float_parameters(graph)) inputs.push_back(program->parameter(p));
  program->set_results(append_vjp(*program, outputs, seeds, inputs));
  return program;
}

std::unique_ptr<Graph> jvp_program(const Graph& graph) {
  auto program = ir::copy_graph(graph);
  std::vector<Value> outputs, tangents, inputs;
  for (int r : float_results(graph)) outputs.push_back(program->results()[r]);
  for (int p : float_parameters(graph)) {
    inputs.push_back(program->parameter(p));
    tangents.push_back(program->add_parameter(inputs.back().type()));
  }
  program->set_results(append_jvp(*program, outputs, inputs, tangents));
  return program;
}

double directional_difference(const Graph& graph, std::span<const HostArray> arguments, int wrt,
                              const HostArray& direction, std::span<const HostArray> weights) {
  const double step = 1e-4;
  auto value = [&](double by) {
    std::vector<HostArray> at(arguments.begin(), arguments.end());
    at[wrt] = moved(at[wrt], direction, by);
    const auto results = ir::interpret(graph, at);
    double sum = 0;
    size_t next = 0;
    for (int r : float_results(graph)) sum += inner(results[r], weights[next++]);
    return sum;
  };
  return (8 * (value(step) - value(-step)) - (value(2 * step) - value(-2 * step))) / (12 * step);
}

void expect_gradient_matches_differences(const Graph& graph, std::span<const HostArray> arguments) {
  const auto weights = random_cotangents(ir::interpret(graph, arguments));
  if (weights.empty()) return;
  const auto gradients = ir::interpret(*vjp_program(graph), appended(arguments, weights));
  const auto parameters = float_parameters(graph);
  ASSERT_EQ(gradients.size(), parameters.size());
  auto compare = [&](size_t k, const HostArray& direction) {
    const double expected = directional_difference(graph, arguments, parameters[k], direction, weights),
                 found = inner(gradients[k], direction);
    EXPECT_NEAR(found, expected, 1e-6 * (1 + std::abs(expected))) << "gradient of argument " << parameters[k];
  };
  for (size_t k = 0; k < parameters.size(); ++k) {
    const HostArray& x = arguments[parameters[k]];
    ASSERT_EQ(gradients[k].shape(), x.shape());
    compare(k, normal_like(x, 300 + k));
    for (int64_t i = 0; i < x.elements() && x.elements() <= 8; ++i) {
      HostArray unit(DType::f64, x.shape());
      unit.set(i, 1);
      compare(k, unit);
    }
  }
}

void expect_jvp_vjp_identity(const Graph& graph, std::span<const HostArray> arguments) {
  const auto weights = random_cotangents(ir::interpret(graph, arguments));
  if (weights.empty()) return;
  std::vector<HostArray> tangents;
  for (int p : float_parameters(graph)) tangents.push_back(normal_like(arguments[p], 500 + p));
  const auto gradients = ir::interpret(*vjp_program(graph), appended(arguments, weights));
  const auto pushed = ir::interpret(*jvp_program(graph), appended(arguments, tangents));
  double left = 0, right = 0;
  for (size_t i = 0; i < weights.size(); ++i) left += inner(weights[i], pushed[i]);
  for (size_t i = 0; i < tangents.size(); ++i) right += inner(gradients[i], tangents[i]);
  EXPECT_NEAR(left, right, 1e-9 * (1 + std::abs(left)));
}

void expect_vmap_matches_loop(const Graph& graph, std::span<const HostArray> arguments,
                              const std::vector<bool>& is_batched) {
  constexpr int64_t count = 3;
  const auto flags = std::make_unique<bool[]>(is_batched.size());
  std::vector<HostArray> batched;
  for (size_t i = 0; i < is_batched.size(); ++i) {
    flags[i] = is_batched[i];
    batched.push_back(flags[i] ? stacked(arguments[i], count, i) : arguments[i]);
  }
  const auto found = ir::interpret(*vmap(graph, {flags.get(), is_batched.size()}, count), batched);
  for (int64_t b = 0; b < count; ++b) {
    std::vector<HostArray> one;
    for (size_t i = 0; i < is_batched.size(); ++i) one.push_back(flags[i] ? example(batched[i], b) : batched[i]);
    const auto expected = ir::interpret(graph, one);
    for (size_t r = 0; r < expected.size(); ++r) {
      const HostArray mine = example(found[r].decoded(), b), wanted = expected[r].decoded();
      ASSERT_EQ(mine.shape(), wanted.shape());
      for (int64_t i = 0; i < mine.elements(); ++i)
        ASSERT_TRUE(is_near(mine, wanted, i))
            << "result " << r << " element " << i << ": " << mine.get(i) << " for " << wanted.get(i);
    }
  }
}

}  // namespace strata::transform::checks
