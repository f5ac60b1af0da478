// Derivative and batching rules of the structured ops, op by op over their samples, against the interpreter: JVP by
// central differences in f64, transposes by the inner-product identity, vmap by running the examples one at a time.
#include <gtest/gtest.h>

#include "strata/ops/broadcast.h"
#include "strata/ops/testing/rule_checks.h"

namespace strata::ops::rule_checks {
namespace {

bool is_structured(const Op& op) {
  for (const char* f : {"shape", "index", "contraction", "reduction", "window", "sort"})
    if (op.family == f) return true;
  return false;
}

std::vector<std::pair<const Op*, Sample>> samples_in_f64() {
  std::vector<std::pair<const Op*, Sample>> all;
  for (const Op* op : all_ops()) {
    if (!is_structured(*op) || !op->samples) continue;
    for (const Sample& s : op->samples.fn()) {
      if (s.operands.empty() || s.operands[0].domain == ir::SampleOperand::Domain::Special) continue;
      all.emplace_back(op, in_f64(s));
    }
  }
  return all;
}

std::string describe(const Op& op, const Sample& s) {
  std::string text(op.name);
  for (const auto& o : s.operands) text += " " + o.type.str();
  return text;
}

HostArray moved(const HostArray& x, const HostArray& t, double by) {
  HostArray y = x.clone();
  for (int64_t i = 0; i < x.elements(); ++i) y.set(i, x.get(i) + by * t.get(i));
  return y;
}

void check_jvp(const Op& op, const Sample& s, int wrt) {
  SCOPED_TRACE(describe(op, s) + " tangent " + std::to_string(wrt));
  std::mt19937 rng(7);
  std::vector<HostArray> args;
  for (const auto& o : s.operands) args.push_back(random_array(o, rng));
  NodeGraph primal(op, s), linear(op, s);
  const Value t = linear.graph.add_parameter(linear.operands[wrt].type());
  std::vector<Value> tangents(s.operands.size());
  tangents[wrt] = t;
  ir::Jvp jvp(*linear.node, tangents);
  op.jvp.fn(jvp);
  primal.graph.set_results({primal.node->result()});
  const HostArray direction = random_like(t.type(), rng);
  auto shifted = args;
  const double step = 1e-6;
  shifted[wrt] = moved(args[wrt], direction, step);
  const HostArray up = ir::interpret(primal.graph, shifted)[0];
  shifted[wrt] = moved(args[wrt], direction, -step);
  const HostArray down = ir::interpret(primal.graph, shifted)[0];
  if (!jvp.results()[0]) return;  // a zero tangent is said by leaving it out
  ASSERT_TRUE(jvp.results()[0].type() == linear.node->type()) << jvp.results()[0].type().str();
  linear.graph.set_results({jvp.results()[0]});
  auto with_tangent = args;
  with_tangent.push_back(direction);
  const HostArray exact = ir::interpret(linear.graph, with_tangent)[0];
  for (int64_t i = 0; i < exact.elements(); ++i) {
    if (!std::isfinite(up.get(i))) continue;
    ASSERT_NEAR(exact.get(i), (up.get(i) - down.get(i)) / (2 * step), 2e-4 * (1 + std::abs(exact.get(i))))
        << "element " << i;
  }
}

void check_transpose(const Op& op, const Sample& s, int wrt) {
  SCOPED_TRACE(describe(op, s) + " transposed in " + std::to_string(wrt));
  std::mt19937 rng(11);
  std::vector<HostArray> args;
  for (const auto& o : s.operands) args.push_back(random_array(o, rng));
  // The other float operands that are linear at the same time must be zero for the identity to hold.
  const bool all_linear = op.name != "dot" && op.name != "conv";
  if (all_linear)
    for (size_t i = 0; i < args.size(); ++i)
      if (static_cast<int>(i) != wrt && ir::is_float(args[i].dtype()))
        args[i] = HostArray(args[i].dtype(), args[i].shape());
  NodeGraph forward(op, s), backward(op, s);
  forward.graph.set_results({forward.node->result()});
  const Value ct = backward.graph.add_parameter(backward.node->type());
  const auto is_linear = std::make_unique<bool[]>(s.operands.size());
  is_linear[wrt] = true;
  const Value cotangents[] = {ct};
  ir::Transpose transpose(*backward.node, cotangents, {is_linear.get(), s.operands.size()});
  op.transpose.fn(transpose);
  const Value result = transpose.contributions()[wrt];
  ASSERT_TRUE(result);
  ASSERT_TRUE(result.type() == s.operands[wrt].type) << result.type().str();
  backward.graph.set_results({result});
  const HostArray weights = random_like(ct.type(), rng);
  auto with_ct = args;
  with_ct.push_back(weights);
  const double left = inner(ir::interpret(forward.graph, args)[0], weights);
  const double right = inner(args[wrt], ir::interpret(backward.graph, with_ct)[0]);
  ASSERT_NEAR(left, right, 1e-9 * (1 + std::abs(left)));
}

HostArray example(const HostArray& batch, int64_t i) {
  HostArray x(batch.dtype(), {batch.shape().begin() + 1, batch.shape().end()});
  std::memcpy(x.data(), batch.data() + i * x.bytes(), static_cast<size_t>(x.bytes()));
  return x;
}

void check_vmap(const Op& op, const Sample& s, unsigned mask) {
  SCOPED_TRACE(describe(op, s) + " batched mask " + std::to_string(mask));
  constexpr int64_t size = 3;
  std::mt19937 rng(13);
  NodeGraph single(op, s);
  ir::Graph graph("batched");
  const size_t n = s.operands.size();
  std::vector<Value> operands;
  std::vector<HostArray> args;
  const auto is_batched = std::make_unique<bool[]>(n);
  for (size_t i = 0; i < n; ++i) {
    is_batched[i] = mask >> i & 1;
    ir::SampleOperand o = s.operands[i];
    if (is_batched[i]) {
      ir::Shape shape{size};
      shape.insert(shape.end(), o.type.shape().begin(), o.type.shape().end());
      o.type = o.type.with_shape(shape);
    }
    operands.push_back(graph.add_parameter(o.type));
    args.push_back(random_array(o, rng));
  }
  ir::Vmap vmap(*single.node, graph, operands, {is_batched.get(), n}, size);
  op.vmap.fn(vmap);
  graph.set_results(vmap.results());
  const auto batched = ir::interpret(graph, args);
  std::vector<Value> results;
  for (uint32_t r = 0; r < single.node->result_count; ++r) results.push_back(single.node->result(static_cast<int>(r)));
  single.graph.set_results(results);
  for (int64_t b = 0; b < size; ++b) {
    std::vector<HostArray> one;
    for (size_t i = 0; i < n; ++i) one.push_back(is_batched[i] ? example(args[i], b) : args[i]);
    const auto expected = ir::interpret(single.graph, one);
    for (size_t r = 0; r < expected.size(); ++r) {
      const HostArray found = example(batched[r], b);
      ASSERT_EQ(found.shape(), expected[r].shape());
      for (int64_t i = 0; i < found.elements(); ++i)
        ASSERT_TRUE(found.get(i) == expected[r].get(i) ||
                    std::abs(found.get(i) - expected[r].get(i)) <= 1e-9 * (1 + std::abs(expected[r].get(i))))
            << "element " << i;
    }
  }
}

TEST(StructuredRules, TangentsMatchCentralDifferences) {
  for (const auto& [op, s] : samples_in_f64())
    for (size_t i = 0; i < s.operands.size(); ++i)
      if (op->jvp && s.operands[i].type.dtype() == DType::f64) {
        if (op->name == "scatter" && s.attrs[3].as_text() == "mul" && i == 2) continue;  // refused by name
        check_jvp(*op, s, static_cast<int>(i));
      }
}

TEST(StructuredRules, TransposesSatisfyTheInnerProductIdentity) {
  for (const auto& [op, s] : samples_in_f64()) {
    const bool is_linear = op->name != "scatter" || s.attrs[3].as_text() == "add" || s.attrs[3].as_text() == "set";
    for (size_t i = 0; i < s.operands.size(); ++i)
      if (op->transpose && is_linear && s.operands[i].type.dtype() == DType::f64)
        check_transpose(*op, s, static_cast<int>(i));
  }
}

TEST(StructuredRules, BatchesEqualTheExamplesOneByOne) {
  for (const auto& [op, s] : samples_in_f64())
    if (op->vmap)
      for (unsigned mask = 1; mask < 1u << std::min<size_t>(s.operands.size(), 3); ++mask) check_vmap(*op, s, mask);
}

}  // namespace
}  // namespace strata::ops::rule_checks
