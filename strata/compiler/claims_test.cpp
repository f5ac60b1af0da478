// A back end that claims composites: its kernel runs in place of the body, for any size; what it refuses is expanded,
// with its reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/backends/null/null_target.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/explain.h"
#include "strata/compiler/run_passes.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/runtime/execute/non_finite_origin.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

/// Negates [dims[0], 3] where the program says softmax: what no body would give.
void negate_rows(runtime::KernelContext*, void* const* buffers, const int64_t* dims, int64_t, int64_t) {
  for (int64_t i = 0; i < dims[0] * 3; ++i) static_cast<float*>(buffers[1])[i] = -static_cast<float*>(buffers[0])[i];
}
void need_one_task(const int64_t*, runtime::KernelNeeds* needs) { *needs = {.tasks = 1}; }

struct NegatingObject final : LoadedObject {
  LoadedKernel find(std::string_view) const override { return {negate_rows, need_one_task}; }
};

/// LLVM, but for softmax over the last axis.
class SoftmaxClaimer final : public Target {
 public:
  std::string_view name() const override { return "softmax-claimer"; }
  std::string_view isa() const override { return llvm().isa(); }
  std::optional<machine::VectorUnit> vector_unit() const override { return llvm().vector_unit(); }
  std::string fingerprint() const override { return "softmax-claimer over " + llvm().fingerprint(); }
  std::optional<std::string> refusal(const ir::loops::Kernel& k) const override { return llvm().refusal(k); }
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override { return llvm().compile(kernels); }
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override {
    if (object.size() == 1) return std::make_shared<NegatingObject>();
    return llvm().load(object);
  }
  std::optional<std::string> composite_refusal(const ir::Node& composite) const override {
    if (ops::composite_name(composite) != "softmax") return "it knows softmax only";
    if (composite.attrs.integer("axis") != composite.type().rank() - 1) return "the axis is not the last";
    return std::nullopt;
  }
  Object compile_composite(const ir::Node&, std::string_view, std::span<const std::string> dims) const override {
    EXPECT_EQ(dims.size(), 1u);
    return Object(1);
  }

 private:
  static const Target& llvm() { return target_by_name("llvm"); }
};

HostArray rows(int64_t count) {
  HostArray x(DType::f32, {count, 3});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, i);
  return x;
}

std::shared_ptr<Graph> program(const std::function<Value(Value)>& fill) {
  auto graph = std::make_shared<Graph>();
  graph->set_results({fill(graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 3})))});
  return graph;
}

TEST(Claims, TheKernelOfTheBackendRunsInPlaceOfTheBody) {
  const SoftmaxClaimer target;
  const auto graph = program([](Value x) { return ops::softmax(x * 2, 1) + 1; });
  const auto executable = compile(graph, {.target = &target, .is_strict = true});
  for (int64_t count : {1, 5}) {
    const HostArray y = executable->run({rows(count)})[0];
    for (int64_t i = 0; i < y.elements(); ++i) EXPECT_EQ(y.get(i), 1 - 2 * static_cast<double>(i));
  }
}

TEST(Claims, WhatIsRefusedIsExpandedWithTheReason) {
  const SoftmaxClaimer target;
  auto graph = program([](Value x) { return ops::gelu(ops::softmax(x, 0)); });
  const PassResults passes = run_passes(*graph, pipeline(), {.target = &target});
  ASSERT_EQ(passes.remarks.size(), 2u);
  EXPECT_NE(passes.remarks[0].find("softmax"), std::string::npos);
  EXPECT_NE(passes.remarks[0].find("the axis is not the last"), std::string::npos);
  EXPECT_NE(passes.remarks[1].find("gelu"), std::string::npos);
  const HostArray x = rows(4), y = compile(graph, {.target = &target})->run({x})[0],
                  expected = ir::interpret(*graph, std::vector{x})[0];
  for (int64_t i = 0; i < y.elements(); ++i) EXPECT_NEAR(y.get(i), expected.get(i), 1e-6);
}

TEST(Claims, ReachTheBodiesOfLoops) {
  const SoftmaxClaimer target;
  const auto graph = program([](Value x) {
    return ops::scan({.constants = {}, .carries = {x}, .xs = {}}, 3,
                     [](Graph&, const std::vector<Value>& p) { return std::vector{ops::softmax(p[0], 1)}; })
        .carries[0];
  });
  const HostArray y = compile(graph, {.target = &target})->run({rows(2)})[0];
  for (int64_t i = 0; i < y.elements(); ++i) EXPECT_EQ(y.get(i), -static_cast<double>(i)) << "negated three times";
}

TEST(Claims, ACompositeRunsAlsoWhereItsPassIsDisabled) {
  const auto graph = program([](Value x) { return ops::softmax(x, 1); });
  const HostArray x = rows(4), y = compile(graph, {.disabled_passes = {"expand-composites"}})->run({x})[0],
                  expected = ir::interpret(*graph, std::vector{x})[0];
  for (int64_t i = 0; i < y.elements(); ++i) EXPECT_NEAR(y.get(i), expected.get(i), 1e-6);
}

TEST(Claims, AreExplainedAsKernelsAndRefusalsAsRemarks) {
  const SoftmaxClaimer target;
  const auto graph = program([](Value x) { return ops::gelu(ops::softmax(x, 1)); });
  const Explanation e = explain(*graph, {.target = &target});
  ASSERT_EQ(e.kernels.size(), 2u);
  EXPECT_EQ(e.kernels[0].notes, std::vector<std::string>{"claimed by softmax-claimer"});
  ASSERT_FALSE(e.remarks.empty());
  EXPECT_NE(e.remarks[0].find("gelu"), std::string::npos);
  EXPECT_NE(e.remarks[0].find("expanded, softmax-claimer: it knows softmax only"), std::string::npos);
}

TEST(Claims, TheNullBackendClaimsSoftmaxAndCountsIt) {
  const NoDiskCache no_cache;  // what is counted must not be found on disk from the run before
  const null_backend::NullTarget target;
  compile(program([](Value x) { return ops::softmax(ops::gelu(x), 1); }), {.target = &target});
  EXPECT_EQ(target.counts().composites, 1);
  EXPECT_EQ(target.counts().kernels, 1) << "gelu, expanded";
}

/// exp into the workspace, tanh of that into the result; [dims[0], 3].
void tanh_of_exp(runtime::KernelContext*, void* const* buffers, const int64_t* dims, int64_t, int64_t) {
  const auto* x = static_cast<const float*>(buffers[0]);
  auto *y = static_cast<float*>(buffers[1]), *between = static_cast<float*>(buffers[2]);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(between) % 64, 0u);
  for (int64_t i = 0; i < dims[0] * 3; ++i) between[i] = 0;
  for (int64_t i = 0; i < dims[0] * 3; ++i) between[i] += std::exp(x[i]);
  for (int64_t i = 0; i < dims[0] * 3; ++i) y[i] = std::tanh(between[i]);
}

struct TanhOfExpObject final : LoadedObject {
  LoadedKernel find(std::string_view) const override { return {tanh_of_exp, need_one_task}; }
};

/// LLVM, but for tanh(exp(x)), which has no name: it finds the nodes.
class PatternClaimer final : public Target {
 public:
  std::string_view name() const override { return "pattern-claimer"; }
  std::string_view isa() const override { return llvm().isa(); }
  std::optional<machine::VectorUnit> vector_unit() const override { return llvm().vector_unit(); }
  std::string fingerprint() const override { return "pattern-claimer over " + llvm().fingerprint(); }
  std::optional<std::string> refusal(const ir::loops::Kernel& k) const override { return llvm().refusal(k); }
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override { return llvm().compile(kernels); }
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override {
    if (object.size() == 1) return std::make_shared<TanhOfExpObject>();
    return llvm().load(object);
  }
  std::optional<std::string> composite_refusal(const ir::Node& composite) const override {
    if (ops::composite_name(composite) == "tanh_of_exp" && !refuses_own) return std::nullopt;
    return "it has no kernel for it";
  }
  std::optional<Pattern> pattern_ending_at(const ir::Node& root) const override {
    if (root.op != &ops::kTanh || root.operand(0).node->op != &ops::kExp) return std::nullopt;
    Pattern pattern{"tanh_of_exp", {&root, root.operand(0).node}};
    if (takes_operands)
      for (const ir::Node* n = root.operand(0).node; n->operand_count == 1 && !n->operand(0).node->is_parameter();)
        pattern.nodes.push_back(n = n->operand(0).node);
    if (forgets_root) pattern.nodes.erase(pattern.nodes.begin());
    return pattern;
  }
  ir::Dim workspace_bytes(const ir::Node& composite) const override {
    return ops::is_composite(composite) ? composite.type().bytes() : ir::Dim(0);
  }
  Object compile_composite(const ir::Node&, std::string_view, std::span<const std::string>) const override {
    return Object(1);
  }

  bool refuses_own = false, forgets_root = false, takes_operands = false;

 private:
  static const Target& llvm() { return target_by_name("llvm"); }
};

TEST(Claims, APatternOfNodesBecomesOneKernelWithMemoryOfItsOwn) {
  const NoDiskCache no_cache;
  const PatternClaimer target;
  const auto graph = program([](Value x) { return ops::tanh(ops::exp(x * 0.25f)) + ops::tanh(ops::exp(x)); });
  const auto executable = compile(graph, {.target = &target, .is_strict = true});
  const auto claimed =
      std::ranges::count_if(executable->plan().commands, [](const ir::PlanCommand& c) { return c.writes.size() == 2; });
  EXPECT_EQ(claimed, 2);
  for (int64_t count : {1, 7}) {
    const HostArray x = rows(count), y = executable->run({x})[0], expected = ir::interpret(*graph, std::vector{x})[0];
    for (int64_t i = 0; i < y.elements(); ++i) EXPECT_NEAR(y.get(i), expected.get(i), 1e-6);
  }
  EXPECT_FALSE(runtime::non_finite_origin(*executable, {rows(2)}));
}

TEST(Claims, APatternReachesTheBodiesOfLoops) {
  const PatternClaimer target;
  const auto graph = program([](Value x) {
    return ops::scan({.constants = {}, .carries = {x}, .xs = {}}, 3,
                     [](Graph&, const std::vector<Value>& p) { return std::vector{ops::tanh(ops::exp(p[0]))}; })
        .carries[0];
  });
  const PassResults passes = run_passes(*graph, pipeline(), {.disabled = {"native-loops"}, .target = &target});
  EXPECT_NE(ir::print_graph(*passes.graph).find("tanh_of_exp"), std::string::npos);
}

TEST(Claims, APatternWhoseInnerValueIsReadBeforeItsEndIsLeftAlone) {
  const PatternClaimer target;
  const auto graph = program([](Value x) {
    const Value inner = ops::exp(x), other = ops::log(inner + 1);
    return ops::tanh(inner) + other;
  });
  const PassResults passes = run_passes(*graph, pipeline(), {.target = &target});
  ASSERT_FALSE(passes.remarks.empty());
  EXPECT_NE(passes.remarks[0].find("exp is read before its last node"), std::string::npos) << passes.remarks[0];
  const HostArray x = rows(4), y = compile(graph, {.target = &target})->run({x})[0],
                  expected = ir::interpret(*graph, std::vector{x})[0];
  for (int64_t i = 0; i < y.elements(); ++i) EXPECT_NEAR(y.get(i), expected.get(i), 1e-5);
}

TEST(Claims, WhatAPatternComputesOnTheWayMayBeReadAfterIt) {
  PatternClaimer target;
  const auto graph = program([](Value x) {
    const Value inner = ops::exp(x);
    return ops::tanh(inner) + inner;
  });
  const PassResults passes = run_passes(*graph, pipeline(), {.target = &target});
  EXPECT_NE(ir::print_graph(*passes.graph).find("tanh_of_exp"), std::string::npos);
  target.refuses_own = true;
  EXPECT_THROW(run_passes(*graph, pipeline(), {.target = &target}), base::Error);
}

TEST(Claims, APatternThatIsRefusedIsAnErrorInLoopsTooAndACompositeOfTheUserIsNone) {
  PatternClaimer target;
  const auto in_a_loop = program([](Value x) {
    return ops::scan({.constants = {}, .carries = {x}, .xs = {}}, 3,
                     [](Graph&, const std::vector<Value>& p) { return std::vector{ops::tanh(ops::exp(p[0]))}; })
        .carries[0];
  });
  const auto with_composite = program([](Value x) { return ops::softmax(ops::tanh(ops::exp(x)), 1); });
  EXPECT_NO_THROW(run_passes(*with_composite, pipeline(), {.disabled = {"expand-composites"}, .target = &target}));
  target.refuses_own = true;
  EXPECT_THROW(run_passes(*in_a_loop, pipeline(), {.target = &target}), base::Error);
}

TEST(Claims, APatternThatReadsNothingIsLeftAlone) {
  PatternClaimer target;
  target.takes_operands = true;
  const auto graph = program([](Value x) {
    const Value one = ops::full(x.graph(), Type::of(DType::f32, {Dim(3)}), 1.0);
    return x + ops::tanh(ops::exp(one));
  });
  const PassResults passes = run_passes(*graph, pipeline(), {.disabled = {"fold-constants"}, .target = &target});
  ASSERT_FALSE(passes.remarks.empty());
  EXPECT_NE(passes.remarks.back().find("it reads nothing"), std::string::npos) << passes.remarks.back();
}

TEST(Claims, APatternThatIsNoneIsAnError) {
  PatternClaimer target;
  target.forgets_root = true;
  const auto graph = program([](Value x) { return ops::tanh(ops::exp(x)); });
  try {
    run_passes(*graph, pipeline(), {.target = &target});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(error.text().find("doesn't end with the node that was asked about"), std::string::npos) << error.text();
  }
}

TEST(Claims, TheNullBackendFindsItsPattern) {
  const NoDiskCache no_cache;
  const null_backend::NullTarget target;
  compile(program([](Value x) { return x * x + ops::tanh(x); }), {.target = &target});
  EXPECT_EQ(target.counts().composites, 1);
}

TEST(Claims, ABackendThatClaimsNothingMakesNoKernelForAComposite) {
  const auto graph = program([](Value x) { return ops::softmax(x, 1); });
  const ir::Node& node = *graph->results()[0].node;
  EXPECT_TRUE(target_by_name("llvm").composite_refusal(node));
  EXPECT_THROW(target_by_name("llvm").compile_composite(node, "k", {}), base::Error);
}

}  // namespace
}  // namespace strata::compiler
