#include "strata/ir/loops/rewrite.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::ir::loops {
namespace {

Kernel axpy() {
  return *parse_kernel(R"(kernel @axpy(%x: f32[N,8], %p: i64[8]) -> (%y: f32[N,8]) {
    parallel i in 0..N {
      for j in 0..8 {
        let t: f32 = mul(%x[i, j], 2.0)
        %y[i, j] = fma(t, t, select(lt(j, 3), %x[i, %p[j]], 1.0))
      }
    }
  })");
}

std::vector<float> run(const Kernel& kernel) {
  const int64_t n = 3;
  std::vector<float> x(n * 8), y(n * 8);
  std::vector<int64_t> p = {3, 1, 4, 1, 5, 2, 6, 5};
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i) - 2;
  void* buffers[] = {x.data(), p.data(), y.data()};
  const int64_t dims[] = {n};
  RunStatus status;
  interpret(kernel, buffers, dims, status);
  return y;
}

/// What a vectoriser does: the loop variable becomes a ramp and the locals become vectors.
TEST(Rewrite, ALoopBecomesVectorCodeBySubstitution) {
  Kernel kernel = axpy();
  const auto expected = run(kernel);
  LoopContext& context = *kernel.context;
  const StmtPtr j = find_loop(kernel.body, "j");
  Substitution with;
  with.loops[j->loop] = context.ramp(context.i64(0), 1, 8);
  with.renamed_locals[j->body[0]->local] = context.local("t", {DType::f32, 8}, false);
  kernel.body = replace_stmt(kernel.body, j.get(), substitute(context, j->body, with));
  verify(kernel);
  EXPECT_TRUE(find_loops(kernel.body, "j").empty());
  EXPECT_NE(print(kernel).find("ramp(0, 1, 8)"), std::string::npos) << print(kernel);
  EXPECT_EQ(run(kernel), expected);
}

TEST(Rewrite, ALoopUnrollsWithFreshCopies) {
  Kernel kernel = axpy();
  const auto expected = run(kernel);
  const StmtPtr j = find_loop(kernel.body, "j");
  ASSERT_EQ(constant_trip_count(*kernel.context, *j), 8);
  std::vector<StmtPtr> all;
  for (int64_t step = 0; step < 8; ++step) {
    Substitution with;
    with.loops[j->loop] = kernel.context->i64(step);
    const auto copy = copy_fresh(*kernel.context, j->body, with);
    all.insert(all.end(), copy.begin(), copy.end());
  }
  kernel.body = replace_stmt(kernel.body, j.get(), all);
  verify(kernel, Stage::Scheduled);
  EXPECT_EQ(run(kernel), expected);
  EXPECT_EQ(run(copy_kernel(kernel)), expected);
}

TEST(Rewrite, WhatDoesNotChangeIsShared) {
  const Kernel kernel = axpy();
  const auto same = map_exprs(kernel.body, [](Expr e) { return e; });
  EXPECT_EQ(same, kernel.body);
  EXPECT_EQ(map_stmts(kernel.body, [](const StmtPtr&) { return std::nullopt; }), kernel.body);
  const StmtPtr j = find_loop(kernel.body, "j");
  const auto changed = replace_stmt(kernel.body, j->body[1].get(), {});
  EXPECT_NE(changed, kernel.body);
  EXPECT_EQ(changed[0]->body[0]->body[0], j->body[0]);
}

TEST(Rewrite, FreeVariablesAreThoseBoundOutside) {
  const Kernel kernel = axpy();
  const StmtPtr i = find_loop(kernel.body, "i"), j = find_loop(kernel.body, "j");
  const auto free = free_variables(j->body);
  EXPECT_EQ(free.loops, (std::vector<const LoopVar*>{i->loop, j->loop}));
  EXPECT_TRUE(free.locals.empty());
  EXPECT_EQ(free.buffers.size(), 3u);
  EXPECT_EQ(free.symbols, std::vector<std::string>{"N"});
  EXPECT_TRUE(free_variables(kernel.body).loops.empty());
  EXPECT_EQ(collect_loads(j->body[1]->value).size(), 2u);
  EXPECT_TRUE(depends_on(j->body[1]->value, j->loop));
  EXPECT_TRUE(depends_on(j->body[1]->value, j->body[0]->local));
  EXPECT_FALSE(depends_on(j->body[0]->value, j->body[0]->local));
}

TEST(Rewrite, UnknownLoopsOfferTheNearestName) {
  const Kernel kernel = axpy();
  try {
    find_loop(kernel.body, "k");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(error.text().find("did you mean"), std::string::npos) << error.text();
  }
}

}  // namespace
}  // namespace strata::ir::loops
