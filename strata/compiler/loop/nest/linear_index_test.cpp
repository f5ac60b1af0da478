// Index arithmetic that melts away, and that which must not.
#include "strata/compiler/loop/nest/linear_index.h"

#include <gtest/gtest.h>

#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using namespace ir::loops;

class LinearIndexTest : public testing::Test {
 protected:
  LinearIndexTest() : indices_(c_, facts_) {
    for (const auto& [var, extent] : {std::pair{b_, Dim::symbol("B")},
                                      {t_, Dim::symbol("T")},
                                      {h_, Dim(4)},
                                      {d_, Dim(16)},
                                      {f_, Dim::symbol("B") * Dim(24)}})
      indices_.enter_loop(var, c_.i64(0), c_.dim(extent));
  }
  Expr at(const LoopVar* v) { return c_.loop(v); }
  Expr op(ExprOp o, Expr a, Expr b) { return c_.binary(o, a, b); }
  std::string form(Expr e) { return print(indices_.expr(indices_.of(e))); }

  LoopContext c_;
  ir::Facts facts_;
  LinearIndices indices_;
  const LoopVar *b_ = c_.loop_var("b"), *t_ = c_.loop_var("t"), *h_ = c_.loop_var("h"), *d_ = c_.loop_var("d"),
                *f_ = c_.loop_var("f");
};

TEST_F(LinearIndexTest, QuotientsOfRowMajorIndicesAreTheLoops) {
  const Expr extent = c_.dim(Dim::symbol("T"));
  const Expr row = op(ExprOp::Add, op(ExprOp::Mul, at(b_), extent), at(t_));
  EXPECT_EQ(form(op(ExprOp::FloorDiv, row, extent)), "b");
  EXPECT_EQ(form(op(ExprOp::FloorMod, row, extent)), "t");
  const Expr column = op(ExprOp::Add, op(ExprOp::Mul, at(h_), c_.i64(16)), at(d_));
  EXPECT_EQ(form(op(ExprOp::FloorMod, op(ExprOp::Add, op(ExprOp::Mul, row, c_.i64(64)), column), c_.i64(64))),
            "h*16 + d");
}

TEST_F(LinearIndexTest, QuotientAndRemainderMeetAgain) {
  const auto mod = [&](Expr a, int64_t n) { return op(ExprOp::FloorMod, a, c_.i64(n)); };
  const auto div = [&](Expr a, int64_t n) { return op(ExprOp::FloorDiv, a, c_.i64(n)); };
  const auto times = [&](Expr a, int64_t n) { return op(ExprOp::Mul, a, c_.i64(n)); };
  const Expr f = at(f_);
  const Expr joined =
      op(ExprOp::Add, op(ExprOp::Add, times(div(div(f, 4), 3), 12), times(mod(div(f, 4), 3), 4)), mod(f, 4));
  EXPECT_EQ(form(joined), "f");
  EXPECT_EQ(form(op(ExprOp::Add, times(div(f, 4), 5), mod(f, 4))), "floordiv(f, 4)*5 + floormod(f, 4)");
}

TEST_F(LinearIndexTest, ClampsAndComparisonsFallWhereRangesDecide) {
  const auto clamp = [&](Expr a, int64_t high) { return op(ExprOp::Max, op(ExprOp::Min, a, c_.i64(high)), c_.i64(0)); };
  EXPECT_EQ(form(clamp(at(d_), 15)), "d");
  EXPECT_NE(form(clamp(at(d_), 14)), "d");
  EXPECT_EQ(print(indices_.simplify(op(ExprOp::Lt, at(d_), c_.i64(16)))), "true");
  EXPECT_NE(print(indices_.simplify(op(ExprOp::Lt, at(d_), c_.i64(15)))), "true");
  indices_.assume_not_negative(indices_.of(op(ExprOp::Sub, c_.i64(9), at(t_))));
  EXPECT_EQ(print(indices_.simplify(op(ExprOp::Le, at(t_), c_.i64(9)))), "true");
}

}  // namespace
}  // namespace strata::compiler
