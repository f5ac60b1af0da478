// A wrong pass, a wrong kernel and a NaN are planted, and found.
#include "strata/compiler/check/bisect_program.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/graph/apply_rules.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/compiler/testing/programs.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/runtime/execute/non_finite_origin.h"

namespace strata::compiler {
namespace {

using ir::HostArray;
using ir::loops::Expr;
using ir::loops::ExprOp;

/// Three kernels: a product, a fold over its rows, and what is made of both.
std::shared_ptr<const ir::Graph> program() {
  return parsed(R"(func @layer(%x: f32[B,7], %w: f32[5,7]) -> (f32[5], f32[B,5]) {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = reduce_sum %0 {axes = [0]}
  %2 = broadcast %1 {shape = [B, 5], axes = [1]}
  %3 = sub %0, %2
  %4 = maximum %3, 0.25
  %5 = abs %1
  return %5, %4
})");
}

/// A loop with a maximum in its body.
std::shared_ptr<const ir::Graph> loop() {
  return parsed(R"(func @loop(%x: f32[5,16], %w: f32[16,16], %h: f32[16]) -> f32[16] {
  %1 = scan %w, %h, %x {length = [5], constants = 1, carries = 1, reverse = false}
    func @step(%v: f32[16,16], %c: f32[16], %s: f32[16]) -> (f32[16]) {
      %3 = dot %v, %c {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
      %4 = maximum %3, %s
      %5 = sort %4 {axis = 0, descending = false}
      return %5
    }
  return %1
})");
}

/// LLVM, whose kernels take the minimum for the maximum.
class MistakenTarget final : public Target {
 public:
  std::string_view name() const override { return "mistaken"; }
  std::string_view isa() const override { return llvm().isa(); }
  std::optional<machine::VectorUnit> vector_unit() const override { return llvm().vector_unit(); }
  std::string fingerprint() const override { return "mistaken " + llvm().fingerprint(); }
  std::optional<std::string> refusal(const ir::loops::Kernel& k) const override { return llvm().refusal(k); }
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override { return llvm().compile(kernels); }
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override {
    return llvm().load(object);
  }
  ir::loops::Kernel schedule(const ir::loops::Kernel& naive, ScheduleReport* report,
                             const ScheduleOptions& options) const override {
    ir::loops::Kernel kernel = Target::schedule(naive, report, options);
    ir::loops::ExprRewriter rewrite(*kernel.context, [&](Expr e) -> Expr {
      return e->op == ExprOp::Max && ir::is_float(e->type.dtype)
                 ? kernel.context->binary(ExprOp::Min, e->args[0], e->args[1])
                 : nullptr;
    });
    kernel.body = ir::loops::map_exprs(kernel.body, [&](Expr e) { return rewrite(e); });
    return kernel;
  }

 private:
  static const Target& llvm() { return target_by_name("llvm"); }
};

/// A wrong rule: a - b becomes a + b.
std::unique_ptr<ir::Graph> break_subtraction(const ir::Graph& graph) {
  constexpr NodeRule kRules[] = {[](const ir::Node& n) {
    return n.op == &ops::kSub ? n.graph->add1(ops::kAdd, {n.operand(0), n.operand(1)}) : ir::Value{};
  }};
  return apply_rules(graph, kRules);
}

std::vector<std::vector<HostArray>> arguments_of(const ir::Graph& graph) { return random_argument_sets(graph, 2); }

TEST(BisectProgram, FindsNothingWhereNothingIsWrong) {
  for (const auto& graph : {program(), loop()}) {
    const Bisection found = bisect_program(graph, arguments_of(*graph));
    EXPECT_EQ(found.culprit, Culprit::None);
    EXPECT_GT(found.passes, 10);
    EXPECT_GE(found.kernels, 4);
  }
}

TEST(BisectProgram, NamesAWrongPassAndWritesASmallProgram) {
  std::vector<Pass> passes(pipeline().begin(), pipeline().begin() + 3);
  passes.push_back({"break-subtraction", break_subtraction, ""});
  const auto graph = program();
  const BisectOptions options{.passes = passes};
  const Bisection found = bisect_program(graph, arguments_of(*graph), options);
  ASSERT_EQ(found.culprit, Culprit::Pass);
  EXPECT_EQ(found.pass->name, "break-subtraction");
  EXPECT_EQ(found.pass->number, 3);
  EXPECT_EQ(found.within, "");
  const std::string small = ir::print_graph(*smallest_program(found, options, 2, 1));
  EXPECT_NE(small.find("sub"), std::string::npos) << small;
  EXPECT_EQ(small.find("dot"), std::string::npos) << small;
}

TEST(BisectProgram, NamesAWrongKernelTheElementAndBothValues) {
  const NoDiskCache no_cache;
  const MistakenTarget mistaken;
  const auto graph = program();
  const BisectOptions options{.compile = {.target = &mistaken}};
  const auto sets = arguments_of(*graph);
  const Bisection found = bisect_program(graph, sets, options);
  ASSERT_EQ(found.culprit, Culprit::Kernel);
  EXPECT_EQ(found.kernel->program, "layer");
  EXPECT_NE(ir::print_graph(*found.kernel->alone).find("maximum"), std::string::npos);
  const ElementDifference& off = found.kernel->off;
  EXPECT_EQ(off.result, 0);
  // What the kernel should have given for that element, by hand.
  const auto by_hand = ir::interpret(*found.kernel->alone, found.kernel->operands);
  EXPECT_EQ(by_hand[0].get(off.element), off.expected);
  EXPECT_GT(std::fabs(off.expected - off.found), off.allowed);
  const std::string small = ir::print_graph(*smallest_program(found, options, 2, 1));
  EXPECT_NE(small.find("maximum"), std::string::npos) << small;
  EXPECT_EQ(small.find("sub"), std::string::npos) << small;
}

TEST(BisectProgram, FindsAWrongKernelInTheRegionOfALoop) {
  const NoDiskCache no_cache;
  const MistakenTarget mistaken;
  const auto graph = loop();
  const Bisection found = bisect_program(graph, arguments_of(*graph), {.compile = {.target = &mistaken}});
  ASSERT_EQ(found.culprit, Culprit::Kernel);
  EXPECT_NE(ir::print_graph(*found.kernel->alone).find("maximum"), std::string::npos);
}

TEST(BisectProgram, AnotherInstructionSetIsComparedBitByBit) {
  const NoDiskCache no_cache;
  const auto graph = program();
  const KernelReference scalar{&llvm_target_for(machine::cpu_target_named("scalar", "test")), Allowed::Nothing};
  const Bisection same = bisect_program(graph, arguments_of(*graph), {.reference = scalar});
  EXPECT_EQ(same.culprit, Culprit::None);
  EXPECT_EQ(same.passes, 0);
  const MistakenTarget mistaken;
  EXPECT_EQ(
      bisect_program(graph, arguments_of(*graph), {.compile = {.target = &mistaken}, .reference = scalar}).culprit,
      Culprit::Kernel);
}

TEST(BisectProgram, APassThatKeepsTheResultsMovesNothing) {
  const std::string passes[] = {"share-nodes", "fuse"};
  const auto graph = program();
  EXPECT_FALSE(find_moving_pass(graph, arguments_of(*graph), passes));
}

// ---- where a NaN comes from

TEST(NonFiniteOrigin, IsTheFirstOpThatMakesItOfFiniteOperands) {
  const auto graph = parsed(R"(func @f(%x: f32[4]) -> (f32[4], f32[]) {
  %0 = sub %x, 2.0
  %1 = log %0
  %2 = mul %1, 0.5
  %3 = reduce_sum %2 {axes = [0]}
  return %2, %3
})");
  const auto program = compile(graph);
  const float good[] = {3, 4, 5, 6}, bad[] = {3, 4, 1, 2};
  EXPECT_FALSE(runtime::non_finite_origin(*program, {HostArray::of<float>(ir::DType::f32, {4}, good)}));
  const auto found = runtime::non_finite_origin(*program, {HostArray::of<float>(ir::DType::f32, {4}, bad)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->op.substr(0, 3), "log");
  EXPECT_EQ(found->program, "f");
  EXPECT_EQ(found->element, 2);
  EXPECT_TRUE(std::isnan(found->value));
}

TEST(NonFiniteOrigin, OfArgumentsIsTheOpThatPassesItOn) {
  const auto graph = parsed(R"(func @f(%x: f32[3], %y: f32[3]) -> (f32[3], f32[3]) {
  %0 = sort %y {axis = 0, descending = false}
  %1 = sort %x {axis = 0, descending = true}
  %2 = cumsum %1 {axis = 0, reverse = false}
  return %0, %2
})");
  const auto program = compile(graph);
  const float bad[] = {1, NAN, 2}, good[] = {1, 3, 2};
  const auto found = runtime::non_finite_origin(
      *program, {HostArray::of<float>(ir::DType::f32, {3}, bad), HostArray::of<float>(ir::DType::f32, {3}, good)});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->came_in);
  EXPECT_EQ(found->op.substr(0, 4), "sort");
}

TEST(NonFiniteOrigin, AnInfinityMayComeBeforeTheNan) {
  const auto graph = parsed(R"(func @f(%x: f32[3]) -> f32[3] {
  %0 = log %x
  %1 = sort %0 {axis = 0, descending = false}
  %2 = sub %1, %1
  return %2
})");
  const auto program = compile(graph);
  const float x[] = {1, 0, 2};
  const std::vector<HostArray> arguments{HostArray::of<float>(ir::DType::f32, {3}, x)};
  const auto infinity = runtime::non_finite_origin(*program, arguments);
  const auto nan = runtime::non_finite_origin(*program, arguments, runtime::NonFinite::Nan);
  ASSERT_TRUE(infinity && nan);
  EXPECT_EQ(infinity->op.substr(0, 3), "log");
  EXPECT_EQ(infinity->value, -INFINITY);
  EXPECT_EQ(nan->op.substr(0, 3), "sub");
  EXPECT_EQ(nan->element, 0);
}

TEST(NonFiniteOrigin, IsFoundInTheRegionOfALoop) {
  const auto graph = parsed(R"(func @f(%x: f32[4], %n: i64[]) -> f32[4] {
  %0, %1 = while %x, %n {constants = 0}
    func @goes_on(%c: f32[4], %i: i64[]) -> bool[] { %2 = gt %i, 0 return %2 }
    func @body(%c: f32[4], %i: i64[]) -> (f32[4], i64[]) {
      %3 = sub %c, 1.0
      %4 = sqrt %3
      %5 = sort %4 {axis = 0, descending = false}
      %6 = sub %i, 1
      return %5, %6
    }
  return %0
})");
  const auto program = compile(graph);
  const float x[] = {9, 5, 10, 26};
  const auto found = runtime::non_finite_origin(
      *program, {HostArray::of<float>(ir::DType::f32, {4}, x), HostArray::scalar(ir::DType::i64, 4)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->op.substr(0, 4), "sqrt");
}

}  // namespace
}  // namespace strata::compiler
