// Folds that take the element at one position: the bits of those that go through all of them.
#include "strata/compiler/lower/one_term.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/graph/fusion/fuse.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::HostArray;

struct Case {
  std::string fold = "reduce_sum";
  std::string dtype = "f32";
  std::string positions = "i64";  ///< dtype of iota and target
  std::string shape = "M,N";
  std::string kept = "M";
  int axis = 1;
  std::string kept_axes = "0";
  std::string otherwise = "0.0";
};

/// A fold over `axis` of what a select gives at the target and `otherwise` elsewhere.
std::string program(const Case& c) {
  return fmt::format(
      R"(func @main(%x: {0}[{2}], %t: {1}[{3}]) -> {0}[{3}] {{
  %0 = iota {{type = {1}, shape = [{2}], axis = {4}}}
  %1 = broadcast %t {{shape = [{2}], axes = [{5}]}}
  %2 = eq %0, %1
  %3 = constant {{value = {0}[] {6}}}
  %4 = broadcast %3 {{shape = [{2}], axes = []}}
  %5 = select %2, %x, %4
  %6 = {7} %5 {{axes = [{4}]}}
  return %6
}})",
      c.dtype, c.positions, c.shape, c.kept, c.axis, c.kept_axes, c.otherwise, c.fold);
}

ir::loops::Kernel kernel_of(const std::string& text) {
  const auto fused = fuse(*parsed(text), {});
  return lower_kernel(*fused->nodes().back(), fused->facts(), "one");
}

int loops_of(const std::string& text) {
  int loops = 0;
  ir::loops::for_each_stmt(kernel_of(text).body,
                           [&](const ir::loops::Stmt& s) { loops += s.kind == ir::loops::StmtKind::For; });
  return loops;
}

/// Against the interpreter and the fold whose select is an array of its own.
void expect_same(const std::string& text, const std::vector<HostArray>& arguments) {
  const auto graph = parsed(text);
  EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt) << text;
  const auto fused = run_natively(graph, arguments);
  EXPECT_EQ(first_difference(fused, run_natively(graph, arguments, {.disabled_passes = {"fuse"}})), std::nullopt)
      << text;
}

HostArray targets(DType dtype, std::vector<int64_t> shape, int64_t extent) {
  HostArray made(dtype, std::move(shape));
  for (int64_t i = 0; i < made.elements(); ++i) made.set_int(i, i * 37 % extent);
  return made;
}

/// Values whose sum with others, or with 0, shows: NaN, infinities, -0, a denormal.
HostArray special(int64_t rows, int64_t columns) {
  HostArray x = random_array({rows, columns}, 1);
  const double values[] = {NAN, INFINITY, -INFINITY, -0.0, 1e-42};
  for (int64_t i = 0; i < x.elements(); i += 3) x.set(i, values[i / 3 % 5]);
  return x;
}

TEST(OneTerm, IsTakenWithoutALoop) {
  EXPECT_EQ(loops_of(program({})), 1);
  EXPECT_EQ(loops_of(program({.fold = "reduce_max", .otherwise = "-inf"})), 1);
  EXPECT_EQ(loops_of(program({.fold = "reduce_prod", .otherwise = "1.0"})), 1);
  EXPECT_EQ(loops_of(program({.otherwise = "-0.0"})), 1);
  EXPECT_EQ(loops_of(program({.positions = "i32", .shape = "M,300"})), 1);
}

TEST(OneTerm, OtherFoldsKeepTheirLoops) {
  EXPECT_GT(loops_of(program({.otherwise = "1.0"})), 1);
  EXPECT_GT(loops_of(program({.fold = "reduce_max"})), 1);
  EXPECT_GT(loops_of(program({.positions = "u8", .shape = "M,300"})), 1) << "positions come twice";
  EXPECT_GT(loops_of(program({.positions = "i32"})), 1) << "positions may come twice";
}

TEST(OneTerm, EveryLengthAndSpecialNumbers) {
  for (const int64_t n : {1, 5, 31, 32, 33, 100, 1025, 2100})
    expect_same(program({}), {special(40, n), targets(DType::i64, {40}, n)});
  for (const char* fold : {"reduce_max", "reduce_min", "reduce_prod"}) {
    const char* otherwise = fold[7] == 'p' ? "1.0" : fold[8] == 'a' ? "-inf" : "inf";
    expect_same(program({.fold = fold, .otherwise = otherwise}), {special(40, 100), targets(DType::i64, {40}, 100)});
  }
  expect_same(program({.otherwise = "-0.0"}), {special(40, 67), targets(DType::i64, {40}, 67)});
}

TEST(OneTerm, PositionsOutsideGiveTheIdentity) {
  HostArray t(DType::i64, {6});
  const int64_t far[] = {-1, 70, -70, INT64_MAX, INT64_MIN, 69};
  for (int64_t i = 0; i < 6; ++i) t.set_int(i, far[i]);
  expect_same(program({}), {special(6, 70), t});
  HostArray bytes(DType::u8, {6});
  for (int64_t i = 0; i < 6; ++i) bytes.set_int(i, i * 50);
  expect_same(program({.positions = "u8", .shape = "M,70"}), {special(6, 70), bytes});
}

TEST(OneTerm, OfAnyAxisAndType) {
  expect_same(program({.shape = "M,40,N", .kept = "M,N", .kept_axes = "0, 2"}),
              {random_array({3, 40, 9}, 2), targets(DType::i64, {3, 9}, 43)});
  expect_same(program({.positions = "i32", .shape = "300,N", .kept = "N", .axis = 0, .kept_axes = "1"}),
              {random_array({300, 21}, 3), targets(DType::i32, {21}, 301)});
  HostArray whole(DType::i32, {5, 80});
  for (int64_t i = 0; i < whole.elements(); ++i) whole.set_int(i, i * 7919 - 5000);
  expect_same(program({.dtype = "i32", .otherwise = "0"}), {whole, targets(DType::i64, {5}, 80)});
  HostArray half(DType::bf16, {5, 80});
  for (int64_t i = 0; i < half.elements(); ++i) half.set(i, std::sin(static_cast<double>(i)));
  expect_same(program({.dtype = "bf16"}), {half, targets(DType::i64, {5}, 80)});
}

TEST(OneTerm, OfLongRowsIsAStageAmongOthers) {
  const std::string text = R"(func @main(%x: f32[M,N], %t: i64[M]) -> f32[M] {
  %0 = reduce_max %x {axes = [1]}
  %1 = broadcast %0 {shape = [M,N], axes = [0]}
  %2 = sub %x, %1
  %3 = exp %2
  %4 = reduce_sum %3 {axes = [1]}
  %5 = log %4
  %6 = broadcast %5 {shape = [M,N], axes = [0]}
  %7 = sub %2, %6
  %8 = iota {type = i64, shape = [M,N], axis = 1}
  %9 = broadcast %t {shape = [M,N], axes = [0]}
  %10 = eq %8, %9
  %11 = constant {value = f32[] 0.0}
  %12 = broadcast %11 {shape = [M,N], axes = []}
  %13 = select %10, %7, %12
  %14 = reduce_sum %13 {axes = [1]}
  return %14
})";
  for (const int64_t n : {64, 100, 1100, 2000})
    expect_same(text, {random_array({9, n}, 4), targets(DType::i64, {9}, n + 20)});
  expect_same(text, {special(9, 100), targets(DType::i64, {9}, 100)});
  EXPECT_EQ(compare_schedules(kernel_of(text), {9, 100}), "");
}

}  // namespace
}  // namespace strata::compiler
