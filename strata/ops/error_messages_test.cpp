// Whole messages of the errors of ir/ and ops/ that a wrong call leads to.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/verify.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using base::message_of;
using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;

class ErrorMessages : public testing::Test {
 protected:
  Graph graph{"step"};
  const Value x = graph.add_parameter(Type::of(DType::f32, {2, 3}), "x");
};

TEST_F(ErrorMessages, E0103NamesHowManyOperandsTheOpTakes) {
  EXPECT_EQ(message_of([&] { graph.add(kAdd, std::array{x}); }), "error[E0103]: add: takes 2 operands, found 1");
  EXPECT_EQ(message_of([&] { graph.add(kCond, std::array{x}); }), "error[E0103]: cond: takes 2 regions, found 0");
  EXPECT_EQ(message_of([&] { concat({}, 0); }), "error[E0103]: concat: there is nothing to join");
}

TEST_F(ErrorMessages, E0104NamesTheDeclaredAttributes) {
  EXPECT_EQ(message_of([&] { graph.add(kReverse, std::array{x}, std::array{ir::Attr("axis", 1)}); }),
            "error[E0104]: reverse: attributes are{ axes }, found{ axis }, or one is of another kind");
}

TEST_F(ErrorMessages, E0106SaysWhyAnOpCannotBeInterpreted) {
  ir::Op silent = kNeg;
  silent.name = "silent";
  silent.reference = ir::refuse("its result depends on the weather");
  graph.set_results({graph.add(silent, std::array{x})->result()});
  EXPECT_EQ(message_of([&] { ir::interpret(graph, {{HostArray(DType::f32, {2, 3})}}); }),
            "error[E0106]: silent: can't be interpreted: its result depends on the weather");
}

TEST_F(ErrorMessages, E0111NamesTheFactThatADimensionBreaks) {
  Graph batched("batched");
  batched.facts().add({"B", 2, 64, 2});
  batched.set_results({batched.add_parameter(Type::of(DType::f32, {Dim::symbol("B")}))});
  EXPECT_EQ(message_of([&] { ir::interpret(batched, {{HostArray(DType::f32, {3})}}); }),
            "error[E0111]: batched: dimension B is 3, expected 2 to 64, a multiple of 2");
}

TEST_F(ErrorMessages, E0112SaysThatASizeDoesNotFit) {
  EXPECT_EQ(message_of([] { HostArray(DType::f32, {int64_t{1} << 40, int64_t{1} << 40}); }),
            "error[E0112]: array: the number of elements does not fit 64 bits");
  EXPECT_EQ(message_of([] { HostArray(DType::f64, {int64_t{1} << 61}); }),
            "error[E0112]: array: the size in bytes does not fit 64 bits");
}

TEST_F(ErrorMessages, E0115NamesTheAxisAndTheRank) {
  EXPECT_EQ(message_of([&] { sum(x, {2}); }),
            "error[E0115]: reduce_sum: axis 2 is out of range for rank 2\nnote: recorded at error_messages_test.cpp");
  EXPECT_EQ(message_of([&] { sum(x, {1, -1}); }),
            "error[E0115]: reduce_sum: axis 1 is named twice\nnote: recorded at error_messages_test.cpp");
}

TEST_F(ErrorMessages, E0116NamesTheAttributesValue) {
  EXPECT_EQ(message_of([&] { slice(x, {{1, 5}}); }),
            "error[E0116]: slice: 1:5:1 does not lie in axis 0 of f32[2,3]\nnote: operands are f32[2,3]");
}

TEST_F(ErrorMessages, E0119SaysWhatHasNoRule) {
  const Value q = graph.add_parameter(Type::of(DType::f32, {1, 2, 4, Dim::symbol("H")}));
  EXPECT_EQ(message_of([&] { attention(q, q, q, {}); }),
            "error[E0119]: attention: the head's extent is symbolic; give a scale");
}

TEST_F(ErrorMessages, E0123NamesWhatALoopExpressionCombines) {
  ir::loops::LoopContext c;
  EXPECT_EQ(message_of([&] { c.binary(ir::loops::ExprOp::Add, c.i64(1), c.constant(DType::f32, 1)); }),
            "error[E0123]: add: operand types differ: i64 and f32");
}

TEST_F(ErrorMessages, E0124QuotesTheStatementThatBreaksARule) {
  auto kernel =
      ir::loops::parse_kernel("kernel @k(%x: f32[4]) -> (%y: f32[4]) { for i in 0..4 { %y[i] = %x[i] } }").value();
  kernel.params.pop_back();
  EXPECT_EQ(message_of([&] { ir::loops::verify(kernel, ir::loops::Stage::Lowered); }),
            "error[E0124]: kernel @k: %y is used outside of its scope\nnote: in: %y[i] = %x[i]");
}

TEST_F(ErrorMessages, E0131QuotesTheNodeThatBreaksARule) {
  ir::Node* node = graph.add(kNeg, std::array{x});
  graph.set_results({node->result()});
  const_cast<Type&>(node->types()[0]) = Type::of(DType::f32, {7});
  EXPECT_EQ(message_of([&] { ir::verify_graph(graph, "after fuse"); }),
            "error[E0131]: step after fuse: its types are f32[7], its rule infers f32[2,3]\nnote: node: %n1 = neg %n0 "
            ": f32[7]");
}

}  // namespace
}  // namespace strata::ops
