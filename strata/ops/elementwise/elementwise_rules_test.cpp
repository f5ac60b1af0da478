// Derivative and batching rules of the elementwise ops: tangents against central differences in f64, transposes by the
// inner product, batches against single examples, and derivatives at kinks.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/ir/graph/interpret.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/list.h"

namespace strata::ops {
namespace {

/// Forward mode over a whole graph: what transform/ does, small enough to be seen.
Value tangent_of(Graph& graph, Value result, Value parameter, Value seed) {
  std::vector<Value> tangents(graph.nodes().size());
  tangents[parameter.node->id] = seed;
  const std::vector<Node*> nodes(graph.nodes().begin(), graph.nodes().end());
  for (Node* node : nodes) {
    if (node->is_parameter() || node->id > result.node->id) continue;
    std::vector<Value> in;
    bool any = false;
    for (const Value& v : node->operands()) {
      in.push_back(tangents[v.node->id]);
      any |= static_cast<bool>(in.back());
    }
    if (!any || !ir::is_float(node->type().dtype())) continue;
    ir::Jvp jvp(*node, in);
    node->op->jvp.fn(jvp);
    tangents[node->id] = jvp.results()[0];
  }
  return tangents[result.node->id];
}

/// Derivative of f at the points x, in f64.
template <class F>
std::vector<double> derivative(const std::vector<double>& x, F f) {
  Graph g, recorded;
  const Type type = Type::of(DType::f64, {Dim(std::ssize(x))});
  recorded.set_results({f(recorded.add_parameter(type))});
  const Value p = g.add_parameter(type), seed = g.add_parameter(type);
  const Value y = ir::inline_graph(*expand_composites(recorded), g, {&p, 1})[0];
  const Value t = tangent_of(g, y, p, seed);
  HostArray points(DType::f64, {std::ssize(x)}), ones = points.clone();
  for (size_t i = 0; i < x.size(); ++i) points.set(i, x[i]), ones.set(i, 1);
  if (!t) return std::vector<double>(x.size(), 0.0);
  g.set_results({t});
  const HostArray d = ir::interpret(g, std::array{points, ones})[0];
  return {d.as<double>().begin(), d.as<double>().end()};
}

bool is_mine(const Op& op) { return op.family == "elementwise" || op.family == "marks"; }

/// The first sample of each op that has f64 operands in an ordinary domain.
std::optional<ir::Sample> f64_sample(const Op& op) {
  if (!op.samples) return std::nullopt;
  for (const ir::Sample& s : op.samples.fn()) {
    bool fits = !s.operands.empty() && s.operands[0].domain != Domain::Special;
    bool has_f64 = false;
    for (const auto& o : s.operands) has_f64 |= o.type.dtype() == DType::f64;
    if (fits && has_f64 &&
        (!s.attrs.size() || s.attrs[0].kind != ir::AttrKind::Type || s.attrs[0].dtype == DType::f64)) {
      ir::Sample copy = s;
      for (auto& o : copy.operands)
        if (o.domain == Domain::Special || o.domain == Domain::Exact) o.domain = Domain::Normal;
      return copy;
    }
  }
  return std::nullopt;
}

HostArray plus(const HostArray& x, double step) {
  HostArray y = x.clone();
  for (int64_t i = 0; i < x.elements(); ++i) y.set(i, x.get(i) + step);
  return y;
}

class Rules : public testing::TestWithParam<const Op*> {};

TEST_P(Rules, TangentsMatchCentralDifferences) {
  const Op& op = *GetParam();
  const auto sample = f64_sample(op);
  if (!sample || !op.jvp || &op == &kStopGradient) GTEST_SKIP() << "no tangents of floats";
  const auto args = sample_arrays(*sample, 3);
  for (size_t wrt = 0; wrt < args.size(); ++wrt) {
    if (args[wrt].dtype() != DType::f64) continue;
    const auto graph = sample_graph(op, *sample);
    const Node* node = graph->nodes().back();
    if (!ir::is_float(node->type().dtype())) continue;
    std::vector<Value> tangents(args.size());
    tangents[wrt] = graph->add_parameter(node->operand(wrt).type());
    ir::Jvp jvp(*node, tangents);
    op.jvp.fn(jvp);
    const auto shifted = [&](double step) {
      auto moved = args;
      moved[wrt] = plus(args[wrt], step);
      return ir::interpret(*sample_graph(op, *sample), moved)[0];
    };
    const double step = 1e-6;
    const HostArray up = shifted(step), down = shifted(-step);
    auto with_tangent = args;
    with_tangent.push_back(plus(HostArray(DType::f64, args[wrt].shape()), 1));
    graph->set_results({jvp.results()[0] ? jvp.results()[0] : zeros_like(node->result())});
    const HostArray exact = ir::interpret(*graph, with_tangent)[0];
    for (int64_t i = 0; i < exact.elements(); ++i)
      EXPECT_NEAR(exact.get(i), (up.get(i) - down.get(i)) / (2 * step), 1e-5 * (1 + std::fabs(exact.get(i))))
          << op.name << " operand " << wrt << " at " << args[wrt].get(i);
  }
}

TEST_P(Rules, TransposesKeepTheInnerProduct) {
  const Op& op = *GetParam();
  const auto sample = f64_sample(op);
  if (!sample || !op.transpose) GTEST_SKIP() << (op.transpose.reason ? op.transpose.reason : "no f64 sample");
  const auto args = sample_arrays(*sample, 5);
  for (size_t wrt = op.name == "select" ? 1 : 0; wrt < (op.name == "div" ? 1 : args.size()); ++wrt) {
    const auto graph = sample_graph(op, *sample);
    const Node* node = graph->nodes().back();
    const Value cotangent = graph->add_parameter(node->type());
    const auto linear = std::make_unique<bool[]>(args.size());
    linear[wrt] = true;
    ir::Transpose rule(*node, std::array{cotangent}, {linear.get(), args.size()});
    op.transpose.fn(rule);
    const Value back = rule.contributions()[wrt];
    ASSERT_TRUE(back) << op.name;
    graph->set_results({back});
    auto inputs = args;
    inputs.push_back(sample_array({cotangent.type()}, 77));
    const HostArray pulled = ir::interpret(*graph, inputs)[0];
    // <J t, c> = <t, J' c>, with J t as f(t) - f(0).
    auto zeroed = args;
    zeroed[wrt] = HostArray(DType::f64, args[wrt].shape());
    const HostArray f = ir::interpret(*sample_graph(op, *sample), args)[0],
                    f0 = ir::interpret(*sample_graph(op, *sample), zeroed)[0];
    double left = 0, right = 0;
    for (int64_t i = 0; i < f.elements(); ++i) {
      left += (f.get(i) - f0.get(i)) * inputs.back().get(i);
      right += args[wrt].get(i) * pulled.get(i);
    }
    EXPECT_NEAR(left, right, 1e-12 * (1 + std::fabs(left))) << op.name << " operand " << wrt;
  }
}

TEST_P(Rules, BatchesMatchSingleExamples) {
  const Op& op = *GetParam();
  if (!op.samples || !op.vmap) GTEST_SKIP();
  const ir::Sample sample = op.samples.fn()[0];
  const auto single = sample_graph(op, sample);
  // Operand 0 gets a batch of 2, the others are shared.
  Graph batched;
  std::vector<Value> operands;
  std::vector<HostArray> args = sample_arrays(sample, 9), first = args, second = args;
  const auto is_batched = std::make_unique<bool[]>(args.size());
  is_batched[0] = true;
  for (size_t i = 0; i < args.size(); ++i) {
    Type type = sample.operands[i].type;
    if (i == 0) type = type.with_shape(prepend(Dim(2), type.shape()));
    operands.push_back(batched.add_parameter(type));
  }
  args[0] = sample_array({operands[0].type(), sample.operands[0].domain}, 10);
  const int64_t bytes = first[0].bytes();
  first[0] = HostArray(first[0].dtype(), first[0].shape());
  second[0] = HostArray(first[0].dtype(), first[0].shape());
  std::memcpy(first[0].data(), args[0].data(), bytes);
  std::memcpy(second[0].data(), args[0].data() + bytes, bytes);
  ir::Vmap rule(*single->nodes().back(), batched, operands, {is_batched.get(), args.size()}, Dim(2));
  op.vmap.fn(rule);
  batched.set_results({rule.results()[0]});
  const HostArray all = ir::interpret(batched, args)[0];
  const HostArray a = ir::interpret(*single, first)[0], b = ir::interpret(*single, second)[0];
  ASSERT_EQ(all.bytes(), a.bytes() + b.bytes());
  EXPECT_EQ(std::memcmp(all.data(), a.data(), a.bytes()), 0);
  EXPECT_EQ(std::memcmp(all.data() + a.bytes(), b.data(), b.bytes()), 0);
}

std::vector<const Op*> elementwise_ops() {
  std::vector<const Op*> ops;
  for (const Op* op : all_ops())
    if (is_mine(*op) && op->effect == ir::Effect::None) ops.push_back(op);
  return ops;
}
INSTANTIATE_TEST_SUITE_P(Elementwise, Rules, testing::ValuesIn(elementwise_ops()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(Kinks, HaveTheirDeclaredDerivatives) {
  EXPECT_EQ(derivative({-1, 0, 2}, [](Value x) { return relu(x); }), (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(derivative({-1, 0, 2}, [](Value x) { return abs(x); }), (std::vector<double>{-1, 0, 1}));
  EXPECT_EQ(derivative({0}, [](Value x) { return softplus(x); })[0], 0.5);
  EXPECT_EQ(derivative({-1, 0, 1}, [](Value x) { return leaky_relu(x, 0.25); }), (std::vector<double>{0.25, 0.25, 1}));
  EXPECT_EQ(derivative({0, 2}, [](Value x) { return stop_gradient(x) * x; }), (std::vector<double>{0, 2}));
}

TEST(Kinks, BranchesNotTakenLeaveNoNan) {
  for (double d : derivative({-1e4, 0, 1e4}, [](Value x) { return elu(x); })) EXPECT_FALSE(std::isnan(d));
  for (double d : derivative({-1e4, 1e4}, [](Value x) { return softplus(x); })) EXPECT_FALSE(std::isnan(d));
  for (double d : derivative({-1e4, 1e4}, [](Value x) { return gelu(x); })) EXPECT_FALSE(std::isnan(d));
  EXPECT_EQ(derivative({0}, [](Value x) { return pow(x, full(x.graph(), x.type(), 2)); })[0], 0);
}

template <class F>
void expect_derivative(const char* name, F f, std::vector<double> points = {-2.3, -0.4, 0.7, 1.9}) {
  const auto exact = derivative(points, f);
  const auto value = [&](double shift) {
    Graph g;
    HostArray x(DType::f64, {std::ssize(points)});
    for (size_t i = 0; i < points.size(); ++i) x.set(i, points[i] + shift);
    g.set_results({f(g.add_parameter(Type::of(DType::f64, {Dim(x.elements())})))});
    return ir::interpret(g, std::array{x})[0];
  };
  const HostArray up = value(1e-6), down = value(-1e-6);
  for (size_t i = 0; i < points.size(); ++i)
    EXPECT_NEAR(exact[i], (up.get(i) - down.get(i)) / 2e-6, 1e-7) << name << " at " << points[i];
}

TEST(Activations, DerivativesMatchCentralDifferences) {
  expect_derivative("elu", [](Value x) { return elu(x, 1.3); });
  expect_derivative("selu", [](Value x) { return selu(x); });
  expect_derivative("gelu", [](Value x) { return gelu(x); });
  expect_derivative("gelu_tanh", [](Value x) { return gelu_tanh(x); });
  expect_derivative("silu", [](Value x) { return silu(x); });
  expect_derivative("mish", [](Value x) { return mish(x); });
  expect_derivative("hard_swish", [](Value x) { return hard_swish(x); });
  expect_derivative("softplus", [](Value x) { return softplus(x); });
  expect_derivative("log_sigmoid", [](Value x) { return log_sigmoid(x); });
  expect_derivative("softsign", [](Value x) { return softsign(x); });
  expect_derivative("sinh", [](Value x) { return sinh(x); });
  expect_derivative("cosh", [](Value x) { return cosh(x); });
  expect_derivative("tan", [](Value x) { return tan(x); }, {-0.4, 0.7});
  expect_derivative("log2", [](Value x) { return log2(x); }, {0.4, 7});
}

}  // namespace
}  // namespace strata::ops
