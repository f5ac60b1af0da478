// What products may write in the memory of: an optimiser's update as the epilogue of a weight's gradient, in each
// schedule and on each instruction set, in the bits of its ops by themselves.
#include "strata/compiler/lower/in_place.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/ir/plan/verify.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/conv_cotangents.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Graph = std::shared_ptr<ir::Graph>;

/// A parameter with the moments of its gradient, and what they become.
struct Updated {
  Value value, first, second;
  void add_to(const Graph& graph, Value gradient) const {
    const Value m = first * 0.9 + gradient * 0.1, v = second * 0.95 + gradient * gradient * 0.05;
    graph->set_results({value - m / (ops::sqrt(ops::abs(v)) + 1e-3) * 0.01, m, v});
  }
};
const std::vector<ir::Donation> kAll = {{0, 0}, {1, 1}, {2, 2}};

Updated parameters(const Graph& graph, Type type) {
  return {graph->add_parameter(type, "w"), graph->add_parameter(type, "m"), graph->add_parameter(type, "v")};
}

/// w [rows, columns] by the gradient of x [depth, rows] w, whose cotangent is d [depth, columns].
Graph update_of_product(DType dtype, ir::Dim rows, ir::Dim columns, ir::Dim depth) {
  auto graph = std::make_shared<ir::Graph>("update");
  const Updated p = parameters(graph, Type::of(dtype, {rows, columns}));
  const Value x = graph->add_parameter(Type::of(dtype, {depth, rows}), "x"),
              d = graph->add_parameter(Type::of(dtype, {depth, columns}), "d");
  p.add_to(graph, ops::matmul(ops::transpose(x, {1, 0}), d));
  return graph;
}

/// The bits of each op by itself, in memory of its own.
std::vector<HostArray> by_single_ops(const Graph& graph, const std::vector<HostArray>& arguments) {
  return run_natively(graph, arguments, {.disabled_passes = {"fuse"}});
}

/// Runs in the memory of arguments 0, 1 and 2.
void expect_in_place(const Graph& graph, const std::vector<HostArray>& arguments, uint64_t variation) {
  const auto expected = by_single_ops(graph, arguments);
  EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt);
  const auto program = compile(graph, {.donations = kAll, .schedule_variation = variation});
  EXPECT_EQ(program->plan().donations.size(), 3u);
  for (const ir::KeptArgument& kept : program->plan().kept) ADD_FAILURE() << kept.reason;
  EXPECT_EQ(ir::find_plan_fault(program->plan()), std::nullopt);
  std::vector<HostArray> given = copies_of(arguments);
  std::vector<const std::byte*> memory;
  for (size_t i = 0; i < 3; ++i) memory.push_back(given[i].data());
  const auto found = program->run(std::move(given));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(found[i].data(), memory[i]);
  EXPECT_EQ(first_difference(expected, found), std::nullopt);
}

TEST(ProductsInPlace, AnUpdateLiesInTheMemoryOfItsParameterAndMoments) {
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    machine::force_cpu_target(cpu);
    for (const auto& [rows, columns, depth] :
         {std::tuple(37, 53, 11), {1, 67, 3}, {64, 96, 700}, {129, 5, 1}, {8, 16, 0}, {0, 3, 2}})
      for (const uint64_t variation : {0, 1, 2, 3, 4}) {
        SCOPED_TRACE(fmt::format("{} {}x{}x{} variation {}", cpu.name, rows, columns, depth, variation));
        const Graph graph = update_of_product(DType::f32, rows, columns, depth);
        expect_in_place(graph, random_arguments(*graph, variation + 1), variation);
      }
  }
  machine::force_cpu_target(std::nullopt);
}

TEST(ProductsInPlace, OfAnyFloatsAndSizesThatAreKnownWhenItRuns) {
  for (const DType dtype : {DType::f64, DType::bf16, DType::f16}) {
    SCOPED_TRACE(ir::dtype_name(dtype));
    const Graph graph = update_of_product(dtype, 19, 23, 31);
    expect_in_place(graph, random_arguments(*graph, 1), 0);
  }
  const Graph graph = update_of_product(DType::f32, ir::Dim::symbol("M"), ir::Dim::symbol("N"), ir::Dim::symbol("K"));
  expect_in_place(graph, random_arguments(*graph, 2), 0);
}

TEST(ProductsInPlace, AFilterByTheGradientOfItsConvolution) {
  for (const int64_t side : {2, 7, 16})
    for (const uint64_t variation : {0, 1, 2}) {
      SCOPED_TRACE(fmt::format("{} a side, variation {}", side, variation));
      auto graph = std::make_shared<ir::Graph>("filter");
      const Updated p = parameters(graph, Type::of(DType::f32, {6, 5, 3, 3}));
      const Value x = graph->add_parameter(Type::of(DType::f32, {4, 5, side, side}), "x"),
                  d = graph->add_parameter(Type::of(DType::f32, {4, 6, side, side}), "d");
      const ops::ConvShape shape{
          .strides = {1, 1}, .pad_lo = {1, 1}, .pad_hi = {1, 1}, .lhs_dilation = {1, 1}, .rhs_dilation = {1, 1}};
      p.add_to(graph, ops::conv_cotangent_of_w(d, x, shape, p.value.type()));
      const auto arguments = random_arguments(*graph, variation + 1);
      const auto program = compile(graph, {.donations = kAll, .schedule_variation = variation});
      EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt);
      const auto expected = by_single_ops(graph, arguments);
      EXPECT_EQ(first_difference(expected, program->run(copies_of(arguments))), std::nullopt);
    }
}

/// How many of the donations a program takes whose results are these, and whether the bits are those of single ops.
size_t taken_donations(const Graph& graph, const std::vector<ir::Donation>& donations) {
  const auto program = compile(graph, {.donations = donations});
  for (const uint64_t seed : {1, 2, 3}) {
    const auto arguments = random_arguments(*graph, seed);
    EXPECT_EQ(first_difference(by_single_ops(graph, arguments), program->run(copies_of(arguments))), std::nullopt);
  }
  return program->plan().donations.size();
}

TEST(ProductsInPlace, NotWhatTheSumsAreMadeOfNorWhatIsReadElsewhere) {
  const Type square = Type::of(DType::f32, {40, 40});
  const auto program = [&](auto result) {
    auto graph = std::make_shared<ir::Graph>("f");
    const Value w = graph->add_parameter(square, "w"), x = graph->add_parameter(square, "x");
    graph->set_results({result(w, x)});
    return graph;
  };
  EXPECT_EQ(taken_donations(program([](Value w, Value x) { return w - ops::matmul(x, x) * 0.1; }), {{0, 0}}), 1u);
  EXPECT_EQ(taken_donations(program([](Value w, Value x) { return w - ops::matmul(w, x) * 0.1; }), {{0, 0}}), 0u);
  EXPECT_EQ(taken_donations(program([](Value w, Value x) { return w - ops::matmul(x, w) * 0.1; }), {{0, 0}}), 0u);
  EXPECT_EQ(taken_donations(program([](Value w, Value x) { return ops::transpose(w, {1, 0}) - ops::matmul(x, x); }),
                            {{0, 0}}),
            0u);
}

}  // namespace
}  // namespace strata::compiler
