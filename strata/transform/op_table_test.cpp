// Walks the op table: derivatives and batching of every op, on each of its samples, through the transforms. A new op is
// tested here without a line for it.
#include <gtest/gtest.h>

#include <set>

#include "strata/base/error/error.h"
#include "strata/ops/list.h"
#include "strata/transform/gradient.h"
#include "strata/transform/testing/numeric_checks.h"

namespace strata::transform::checks {
namespace {

const std::vector<Case>& cases() {
  static const auto* list = new std::vector<Case>(table_cases());
  return *list;
}

/// A sample may use an attribute for which its op has no derivative (scatter by multiplication): the rule must say so.
bool refuses(const Graph& graph) {
  try {
    vjp_program(graph);
  } catch (const base::Error& e) {
    EXPECT_TRUE(e.code() == "E0200" || e.code() == "E0203") << e.text();
    return true;
  }
  return false;
}

bool maps_floats_to_floats(const Case& c) {
  return !float_parameters(*c.graph).empty() && !float_results(*c.graph).empty();
}

template <class F>
void for_differentiable(F&& f) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    if (c.op->jvp && maps_floats_to_floats(c) && !refuses(*c.graph)) f(c);
  }
}

TEST(OpTable, GradientsMatchCentralDifferences) {
  for_differentiable([](const Case& c) {
    if (c.op->name == "stop_gradient") return;  // differs from the difference by design
    expect_gradient_matches_differences(*c.graph, c.arguments);
  });
}

TEST(OpTable, ForwardAndReverseModeAgree) {
  for_differentiable([](const Case& c) { expect_jvp_vjp_identity(*c.graph, c.arguments); });
}

TEST(OpTable, SmoothOpsHaveSecondDerivatives) {
  std::set<std::string_view> seen;
  for_differentiable([&](const Case& c) {
    if (!c.op->is_smooth) return;
    seen.insert(c.op->name);
    const auto gradient = vjp_program(*c.graph);
    auto arguments = c.arguments;
    for (size_t p = arguments.size(); p < gradient->parameters().size(); ++p) {
      std::vector<int64_t> shape;
      for (ir::Dim d : gradient->parameters()[p]->type().shape())
        shape.push_back(d.is_constant() ? d.constant() : d.evaluate([](std::string_view) { return int64_t{3}; }));
      arguments.push_back(normal_like(HostArray(ir::DType::f64, shape), 700 + p));
    }
    expect_gradient_matches_differences(*gradient, arguments);
  });
  for (const ir::Op* op : ops::all_ops())
    EXPECT_TRUE(!op->is_smooth || seen.contains(op->name))
        << op->name << " has no sample to test its second derivative with";
}

TEST(OpTable, BatchesOfAnyOperandsEqualRunsOneAtATime) {
  for (const Case& c : cases()) {
    if (!c.op->vmap) continue;
    SCOPED_TRACE(c.name);
    const size_t n = c.arguments.size();
    ASSERT_LE(n, 10u);
    for (unsigned bits = 1; bits < 1u << n; ++bits) {
      std::vector<bool> is_batched(n);
      for (size_t i = 0; i < n; ++i) is_batched[i] = bits >> i & 1;
      expect_vmap_matches_loop(*c.graph, c.arguments, is_batched);
    }
  }
}

/// What has no derivative, or none backwards, stands here by name: a new op that refuses must be meant to.
TEST(OpTable, RefusedDerivativesAreTheKnownOnes) {
  std::set<std::string_view> refused;
  for (const Case& c : cases()) {
    EXPECT_TRUE(c.op->jvp.is_declared() && c.op->transpose.is_declared() && c.op->vmap.is_declared()) << c.op->name;
    if (maps_floats_to_floats(c) && refuses(*c.graph)) refused.insert(c.op->name);
  }
  EXPECT_EQ(refused, (std::set<std::string_view>{"dynamic_pad", "taped_while"}));  // the compiler makes dynamic_pad
}

/// An op that takes floats and has samples has one that the tests above can use. All of bitcast's are special values.
TEST(OpTable, EveryOpOnFloatsIsTested) {
  std::set<std::string_view> tested;
  for (const Case& c : cases())
    if (!float_parameters(*c.graph).empty()) tested.insert(c.op->name);
  for (const ir::Op* op : ops::all_ops()) {
    if (!op->samples || op->name == "bitcast") continue;
    bool takes_floats = false;
    for (const ir::Sample& s : op->samples.fn())
      for (const ir::SampleOperand& o : s.operands) takes_floats |= is_float(o.type.dtype());
    EXPECT_TRUE(!takes_floats || tested.contains(op->name)) << op->name;
  }
}

}  // namespace
}  // namespace strata::transform::checks
