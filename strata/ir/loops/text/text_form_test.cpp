#include "strata/ir/loops/text/text_form.h"

#include <gtest/gtest.h>

#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/verify.h"

namespace strata::ir::loops {
namespace {

constexpr std::string_view kDot =
    R"(kernel @dot_bias_relu(%x: f32[B,784], %w: f32[128,784], %b: f32[128]) -> (%y: f32[B,128]) where B >= 1 {
  parallel i in 0..B {
    for j in 0..128 {
      var acc: f32 = 0.0
      for k in 0..784 {
        acc = fma(%x[i, k], %w[j, k], acc)
      }
      %y[i, j] = max(add(acc, %b[j]), 0.0)
    }
  }
}
)";

constexpr std::string_view kEverything =
    R"(kernel @all(%x: f32[B*4 + 1], %s: inout i64[4], %h: bf16[8]) -> (%y: f32[floordiv(B + 1, 2),8]) dims(S, B) where B in [1, 64], B % 2 == 0 {
  {
    scratch %p: f32[16,8]
    register %c: f32[6,16]
    vector v in 0..16 step 4 {
      %p[v, ramp(v, 1, 4)] = broadcast(1.0f32, 4) where lt(ramp(v, 1, 4), 9)
    }
    let t: f32x8 = %x[ramp(B - 1, 3, 8)]
    var n: i64 = B*4 - S + 3
    while lt(n, 10) {
      n = n + 1
    }
    if and(lt(n, 4), true_1) {
    } else {
    }
  }
}
)";

TEST(LoopText, PrintsWhatItParsed) {
  const auto kernel = parse_kernel(kDot);
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  EXPECT_EQ(print(*kernel), kDot);
  EXPECT_EQ(print(copy_kernel(*kernel)), kDot);
}

TEST(LoopText, EveryKindOfStatementSurvivesPrinting) {
  std::string text(kEverything);
  text.replace(text.find("true_1"), 6, "ge(S, 0)");
  const auto kernel = parse_kernel(text);
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  const std::string printed = print(*kernel);
  const auto again = parse_kernel(printed);
  ASSERT_TRUE(again.ok()) << again.error().text() << printed;
  EXPECT_EQ(print(*again), printed);
  EXPECT_EQ(structural_hash(*again), structural_hash(*kernel));
  EXPECT_EQ(kernel->dims, (std::vector<std::string>{"S", "B"}));
  EXPECT_EQ(kernel->facts.of("B").multiple, 2);
}

TEST(LoopText, LiteralsOfEveryTypeKeepTheirBits) {
  LoopContext context;
  for (DType type : kAllDTypes) {
    if (is_bool(type)) continue;
    for (uint64_t bits :
         {0ull, 1ull, 0x3f800001ull, 0x7f800000ull, 0x7fc00001ull, 0x80ull, 0xfc00ull, ~0ull, 0x8000000000000000ull}) {
      const auto local_text = print(context.constant_bits(type, bits));
      const std::string text =
          "kernel @f() -> (%y: " + std::string(dtype_name(type)) + "[]) {\n  %y[] = " + local_text + "\n}\n";
      const auto kernel = parse_kernel(text);
      ASSERT_TRUE(kernel.ok()) << kernel.error().text() << text;
      EXPECT_EQ(kernel->body[0]->value->bits, context.constant_bits(type, bits)->bits) << text;
      const auto again = parse_kernel(print(*kernel));
      ASSERT_TRUE(again.ok()) << again.error().text();
      EXPECT_EQ(again->body[0]->value->bits, kernel->body[0]->value->bits) << print(*kernel);
    }
  }
}

TEST(LoopText, SharedPartsPrintOnceAndDeepOnesInPieces) {
  auto context = std::make_shared<LoopContext>();
  Kernel kernel{context, "deep", {context->buffer({"y", DType::f32, {1}, BufferKind::Output})}, {}, {}, {}};
  Expr e = context->load(kernel.params[0], {context->i64(0)});
  for (int i = 0; i < 300; ++i) e = context->binary(ExprOp::Mul, e, context->unary(ExprOp::Neg, e));
  kernel.body = {make_store(kernel.params[0], {context->i64(0)}, e)};
  const std::string text = print(kernel);
  EXPECT_LT(text.size(), 20'000u);
  const auto again = parse_kernel(text);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(print(*again), text);
  EXPECT_EQ(structural_hash(*again), structural_hash(kernel));
}

TEST(LoopText, NamesThatClashAreNumbered) {
  auto context = std::make_shared<LoopContext>();
  Kernel kernel{context, "k", {context->buffer({"y", DType::i64, {Dim::symbol("i")}, BufferKind::Output})},
                {"i"},   {},  {}};
  const LoopVar *i = context->loop_var("i"), *j = context->loop_var("for");
  kernel.body = {make_for(i, context->i64(0), context->dim(Dim::symbol("i")), LoopKind::Parallel,
                          {make_for(j, context->i64(0), context->i64(1), LoopKind::Serial,
                                    {make_store(kernel.params[0], {context->loop(i)}, context->loop(j))})})};
  const auto again = parse_kernel(print(kernel));
  ASSERT_TRUE(again.ok()) << again.error().text() << print(kernel);
  EXPECT_EQ(structural_hash(*again), structural_hash(kernel));
}

TEST(LoopText, HashIgnoresNamesButNotMeaning) {
  std::string renamed(kDot), other(kDot);
  for (size_t at; (at = renamed.find("acc")) != std::string::npos;) renamed.replace(at, 3, "sum");
  for (size_t at; (at = renamed.find("%x")) != std::string::npos;) renamed.replace(at, 2, "%input");
  other.replace(other.find("fma(%x[i, k]"), 12, "fma(%x[k, i]");
  const base::Hash128 hash = structural_hash(*parse_kernel(kDot));
  EXPECT_EQ(structural_hash(*parse_kernel(renamed)), hash);
  EXPECT_NE(structural_hash(*parse_kernel(other)), hash);
}

struct BadText {
  std::string_view body, code, part;
};

TEST(LoopText, RefusesBadTextWithItsPlaceAndTheNearestName) {
  const BadText cases[] = {
      {"%y[0] = ad(%x[0], 1.0)", "E0120", "did you mean 'add'"},
      {"%y[0] = add(%z[0], 1.0)", "E0120", "no buffer %z"},
      {"%y[0] = 1i32", "E0121", "the value is i32, not f32"},
      {"%x[0] = 1.0", "E0121", "%x is an input"},
      {"%y[0, 1] = 1.0", "E0121", "2 indices for the 1 axes"},
      {"%y[1.5] = 1.0", "E0120", "not a literal of i64"},
      {"%y[q] = 1.0", "E0120", "nothing is named 'q'"},
      {"%y[0] = add(1.0, 2.0)", "E0120", "the type of 1.0 is not clear"},
      {"let a: f32 = 1.0 a = 2.0", "E0121", "bound by let"},
      {"vectr i in 0..4 { }", "E0120", "did you mean 'vector'"},
      {"for i in 0..4 { for i in 0..4 { } }", "E0120", "has a meaning here already"},
      {"for i in 0..4 step 0 { }", "E0121", "the step is 0"},
      {"for i in 0..4 { parallel j in 0..4 { } }", "E0121", "not the kernel's whole body"},
      {"parallel i in 0..%n[0] { }", "E0120", "no buffer %n"},
      {"register %r: f32[B]", "E0121", "the register tile %r"},
      {"%y[0] = select(1i32, %x[0], 2.0)", "E0120", "not bool"},
      {"%y[0] = rem(true, false)", "E0120", "rem takes"},
      {"%y[0] = broadcast(1.0f32, 9999)", "E0120", "lanes"},
      {"%y[0] = $4", "E0120", "$4 is not defined"},
      {"%y[0] = 1.0", "", ""},
  };
  for (const BadText& bad : cases) {
    const std::string text = "kernel @bad(%x: f32[B]) -> (%y: f32[B]) {\n  " + std::string(bad.body) + "\n}\n";
    const auto kernel = parse_kernel(text);
    EXPECT_EQ(kernel.ok(), bad.code.empty()) << text;
    if (kernel.ok()) continue;
    EXPECT_EQ(kernel.error().code(), bad.code) << kernel.error().text();
    EXPECT_NE(kernel.error().text().find(bad.part), std::string::npos) << kernel.error().text();
    if (bad.code == "E0120") {
      EXPECT_NE(kernel.error().text().find("line 2"), std::string::npos) << kernel.error().text();
    }
  }
}

/// The loop over the %x of one axis that each text gives, whose sum is joined.
std::string joining_kernel(std::string_view body) {
  return "kernel @joined(%x: f32[B]) -> (%y: f32[1]) {\n  var a: f32 = 0.0 let fixed: f32 = 1.0 " + std::string(body) +
         "\n  %y[0] = a\n}\n";
}
constexpr std::string_view kJoining = "for k in 0..B joining a by 2, outer 1, inner 0 { a = add(a, %x[k]) }";

TEST(LoopText, RefusesJoiningLoopsThatSayOrAreNoJoinedSum) {
  const BadText cases[] = {
      {kJoining, "", ""},
      {"for k in 0..B joining c by 2, outer 1, inner 0 { }", "E0120", "the local that is joined, found 'c'"},
      {"for k in 0..B joining 2 by 2, outer 1, inner 0 { }", "E0120", "the local that is joined, found '2'"},
      {"for k in 0..B joining a of 2 { }", "E0120", "by"},
      {"for k in 0..B joining a by 2 { }", "E0120", "behind the block"},
      {"for k in 0..B joining a by 2, inner 0 { }", "E0120", "outer"},
      {"for k in 0..B joining a by 2, outer 1 { }", "E0120", "behind the outer loops"},
      {"for k in 0..B joining a by 0, outer 1, inner 0 { }", "E0120", "the block is 0, expected 1 or more"},
      {"for k in 0..B joining a by 2, outer 101, inner 0 { }", "E0120",
       "the number of outer loops is 101, expected 0 to 100"},
      {"for k in 0..B joining a by 2, outer 1, inner -1 { }", "E0120",
       "the number of inner loops is -1, expected 0 to 100"},
      {"for k in 0..B joining fixed by 2, outer 1, inner 0 { }", "E0121", "no mutable local in scope"},
      {"for k in 0..B joining a by 2, outer 0, inner 0 { a = add(a, %x[k]) }", "E0121",
       "blocks of 2 terms over 0 outer and 0 inner loops"},
      {"for k in 1..B joining a by 2, outer 1, inner 0 { a = add(a, %x[k]) }", "E0121", "1 serial loops from 0"},
      {"for k in 0..B step 2 joining a by 2, outer 1, inner 0 { a = add(a, %x[k]) }", "E0121", "serial loops from 0"},
      {"vector k in 0..B joining a by 2, outer 1, inner 0 { a = add(a, %x[k]) }", "E0121", "serial loops from 0"},
      {"for k in 0..B joining a by 2, outer 1, inner 1 { a = add(a, %x[k]) }", "E0121", "2 serial loops from 0"},
      {"for k in 0..B joining a by 2, outer 1, inner 1 { for p in 0..3 { a = add(a, %x[k]) } a = 0.0 }", "E0121",
       "begins no perfect nest of loops"},
      {"for k in 0..B joining a by 2, outer 1, inner 1 { for p in 0..3 joining a by 2, outer 1, inner 0 {"
       " a = add(a, %x[k]) } }",
       "E0121", "2 serial loops from 0"},
      {"for k in 0..B joining a by 2, outer 1, inner 0 { a = max(a, %x[k]) }", "E0121",
       "nothing is added to or multiplied with the sum"},
  };
  for (const BadText& bad : cases) {
    const auto kernel = parse_kernel(joining_kernel(bad.body));
    EXPECT_EQ(kernel.ok(), bad.code.empty()) << bad.body;
    if (kernel.ok()) continue;
    EXPECT_EQ(kernel.error().code(), bad.code) << bad.body << kernel.error().text();
    EXPECT_NE(kernel.error().text().find(bad.part), std::string::npos) << bad.body << kernel.error().text();
  }
}

TEST(LoopText, EveryTruncationIsRefusedOrParsed) {
  for (size_t n = 0; n < kDot.size() - 2; ++n) EXPECT_FALSE(parse_kernel(kDot.substr(0, n)).ok()) << n;
  std::string deep = "kernel @d() -> (%y: f32[1]) { %y[0] = ";
  for (int i = 0; i < 100'000; ++i) deep += "neg(";
  EXPECT_FALSE(parse_kernel(deep).ok());
  std::string blocks = "kernel @d() {";
  for (int i = 0; i < 100'000; ++i) blocks += "{";
  EXPECT_FALSE(parse_kernel(blocks).ok());
}

TEST(Verify, FindsUsesOutsideOfScopesThatOnlyCodeCanMake) {
  auto kernel = *parse_kernel(kDot);
  const StmtPtr k = find_loop(kernel.body, "k");
  auto moved = kernel;
  moved.body = {k->body[0]};
  const auto fault = find_fault(moved);
  ASSERT_TRUE(fault.has_value());
  EXPECT_NE(fault->what.find("acc"), std::string::npos);
  EXPECT_THROW(verify(moved), base::Error);
  EXPECT_NO_THROW(verify(kernel));
}

TEST(Verify, JoiningLoopsAreExpandedWhenAKernelIsScheduled) {
  const auto kernel = parse_kernel(joining_kernel(kJoining));
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  EXPECT_FALSE(find_fault(*kernel, Stage::Lowered));
  const auto fault = find_fault(*kernel, Stage::Scheduled);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->what, "the joining loop is not expanded");
  EXPECT_NE(fault->statement.find("joining a by 2, outer 1, inner 0"), std::string::npos) << fault->statement;
}

TEST(Verify, TheSumOfAJoiningLoopIsInScope) {
  auto kernel = *parse_kernel(joining_kernel(kJoining));
  kernel.body = {find_loop(kernel.body, "k")};
  const auto fault = find_fault(kernel);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->what, "the sum of a joining loop is no mutable local in scope");
}

}  // namespace
}  // namespace strata::ir::loops
