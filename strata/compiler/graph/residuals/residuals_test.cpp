// What is kept of a forward pass: less memory, the same bits; and what stays as it is.
#include "strata/compiler/graph/residuals/recompute_residuals.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/residuals/residuals.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/compiler/testing/programs.h"
#include "strata/ir/graph/op.h"

namespace strata::compiler {
namespace {

int64_t count(const ir::Graph& graph, std::string_view op) {
  return std::ranges::count_if(graph.nodes(),
                               [&](const ir::Node* n) { return !n->is_parameter() && n->op->name == op; });
}

/// y = u tanh(u) v with u = x w + b, and from it the gradient of w.
constexpr const char* kLayer =
    R"(func @layer(%x: f32[T,48], %w: f32[48,192], %b: f32[192], %v: f32[192,48]) -> (f32[T,48], f32[48,192]) where T in [1, 4096] {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = broadcast %b {shape = [T, 192], axes = [1]}
  %2 = add %0, %1
  %3 = tanh %2
  %4 = mul %2, %3
  %5 = dot %4, %v {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %6 = mul %5, %5
  %7 = dot %6, %v {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  %8 = mul %3, %3
  %9 = sub 1.0, %8
  %10 = mul %2, %9
  %11 = add %3, %10
  %12 = mul %7, %11
  %13 = dot %x, %12 {lhs_contract = [0], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  return %5, %13
})";

TEST(Residuals, KeepTheSlopeOfALayerInPlaceOfWhatItIsMadeOf) {
  const NoDiskCache no_cache;
  const auto graph = parsed(kLayer);
  const Residuals residuals(*graph, forms_of(*graph));
  std::vector<std::string> kept;
  for (const ir::Node* n : graph->nodes())
    if (residuals.is_kept(*n)) kept.emplace_back(n->op->name);
  EXPECT_EQ(kept, std::vector<std::string>{"add"});
  EXPECT_TRUE(residuals.again().empty());
  const auto program = compile(graph);
  // Of the arrays of T rows and 192 columns two are alive at once at most, beside what a product is packed into.
  for (const int64_t rows : {64, 129, 1000}) {
    ir::DimBinding dims;
    dims.bind("T", rows);
    EXPECT_LE(program->memory_use(dims).largest_live_bytes, rows * 4 * (2 * 192 + 2 * 48) + 4 * 48 * 192) << rows;
  }
  for (const auto& arguments : random_argument_sets(*graph, 6))
    EXPECT_EQ(first_difference(program->run(std::vector(arguments)),
                               compile(graph, {.disabled_passes = {"fuse"}})->run(std::vector(arguments))),
              std::nullopt);
}

TEST(RecomputeResiduals, RepeatsWhatItsOperandsAreThereFor) {
  const NoDiskCache no_cache;
  const auto graph = parsed(R"(func @f(%x: f32[T,64], %w: f32[64,64]) -> f32[T,64] where T in [1, 4096] {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = exp %0
  %2 = add %1, %0
  %3 = dot %2, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %4 = mul %3, %1
  %5 = mul %4, %0
  return %5
})");
  const auto made = recompute_residuals(*graph);
  EXPECT_EQ(count(*made, "exp"), 2);
  EXPECT_EQ(count(*recompute_residuals(*made), "exp"), 2) << "what it repeated it leaves";
  const auto with = compile(graph), without = compile(graph, {.disabled_passes = {"recompute-residuals"}});
  for (const auto& arguments : random_argument_sets(*graph, 6))
    EXPECT_EQ(first_difference(with->run(std::vector(arguments)), without->run(std::vector(arguments))), std::nullopt);
  for (const int64_t rows : {7, 64, 129}) {
    ir::DimBinding dims;
    dims.bind("T", rows);
    EXPECT_LT(with->memory_use(dims).arena_bytes, without->memory_use(dims).arena_bytes) << rows << " rows";
  }
}

TEST(RecomputeResiduals, LeavesWhatCostsMoreThanItsMemory) {
  const auto graph = parsed(R"(func @f(%x: f32[64,64], %w: f32[64,64]) -> f32[64,64] {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = pow %0, %0
  %2 = tanh %1
  %3 = pow %2, %0
  %4 = dot %3, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %5 = mul %4, %3
  return %5
})");
  EXPECT_EQ(count(*recompute_residuals(*graph), "pow"), 2);
}

TEST(RecomputeResiduals, LeavesArgumentsToWhoWritesOverThem) {
  const auto graph = parsed(R"(func @f(%x: f32[64,64], %w: f32[64,64]) -> f32[64,64] {
  %0 = tanh %x
  %1 = dot %0, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %2 = mul %1, %0
  return %2
})");
  EXPECT_EQ(count(*recompute_residuals(*graph), "tanh"), 1);
}

}  // namespace
}  // namespace strata::compiler
