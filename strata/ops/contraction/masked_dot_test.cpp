// The dots that know a mask: what is hidden may hold anything, in results and in derivatives of every order.
#include "strata/ops/contraction/masked_dot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/error/message_of.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/conformance/naive_lowering.h"

namespace strata::ops {
namespace {

const DotAxes kMatrices{{1}, {0}, {}, {}};
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Operands {
  HostArray lhs{DType::f32, {2, 3}}, rhs{DType::f32, {3, 2}}, where{DType::boolean, {3, 2}};
  Operands() {
    for (int64_t i = 0; i < 6; ++i) lhs.set(i, i + 1), rhs.set(i, 2 * i - 3), where.set_int(i, 1);
  }
};

/// By the interpreter and by the loops of the op, which agree.
HostArray product_of(const Operands& x) {
  ir::Graph graph("masked");
  const Value l = graph.add_parameter(Type::of(DType::f32, {2, 3})),
              r = graph.add_parameter(Type::of(DType::f32, {3, 2})),
              w = graph.add_parameter(Type::of(DType::boolean, {3, 2})), y = dot_where(l, r, w, kMatrices);
  graph.set_results({&y, 1});
  const HostArray arguments[] = {x.lhs, x.rhs, x.where};
  const HostArray found = ir::interpret(graph, arguments)[0], looped = run_lowered(*y.node, arguments)[0];
  for (int64_t i = 0; i < found.elements(); ++i)
    EXPECT_TRUE(found.get(i) == looped.get(i) || (std::isnan(found.get(i)) && std::isnan(looped.get(i)))) << i;
  return found;
}

TEST(MaskedDot, AHiddenElementIsNoFactorWhateverIsThere) {
  Operands x;
  x.where.set_int(2, 0);  // of k = 1 and column 0
  const HostArray expected = product_of(x);
  EXPECT_EQ(expected.get(0), 1 * -3 + 3 * 5);
  EXPECT_EQ(expected.get(1), 1 * -1 + 2 * 3 + 3 * 7);
  x.rhs.set(2, kNaN);
  EXPECT_TRUE(product_of(x).same_bits(expected));
  x.lhs.set(1, kNaN);  // row 0, k = 1: column 0 does not see it
  const HostArray found = product_of(x);
  EXPECT_EQ(found.get(0), expected.get(0));
  EXPECT_TRUE(std::isnan(found.get(1)));
  EXPECT_EQ(found.get(2), expected.get(2));
}

TEST(MaskedDot, AFactorOfZeroHidesNothing) {
  Operands x;
  x.rhs.set(0, 0);
  x.lhs.set(0, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(product_of(x).get(0)));
}

TEST(MaskedDot, TheMaskHasTheShapeOfWhatItHides) {
  ir::Graph graph("refused");
  const Value l = graph.add_parameter(Type::of(DType::f32, {2, 3})),
              r = graph.add_parameter(Type::of(DType::f32, {3, 5})),
              of_rhs = graph.add_parameter(Type::of(DType::boolean, {3, 5})),
              of_result = graph.add_parameter(Type::of(DType::boolean, {2, 5})),
              half = graph.add_parameter(Type::of(DType::f16, {2, 3}));
  const auto refusal = [](const std::function<void()>& call) {
    const std::string message = base::message_of(call);
    return message.substr(0, message.find('\n'));
  };
  EXPECT_EQ(refusal([&] { dot_where(l, r, of_rhs, kMatrices); }), "no error");
  EXPECT_EQ(refusal([&] { dot_read_where(l, r, of_result, kMatrices); }), "no error");
  EXPECT_EQ(refusal([&] { dot_where(l, r, of_result, kMatrices); }),
            "error[E0102]: dot_where: where is bool[2,5], expected bool[3,5] as rhs has it");
  EXPECT_EQ(refusal([&] { dot_read_where(l, r, of_rhs, kMatrices); }),
            "error[E0102]: dot_read_where: where is bool[3,5], expected bool[2,5] as the result has it");
  EXPECT_EQ(refusal([&] { dot_where(l, r, r, kMatrices); }),
            "error[E0100]: dot_where: where is f32[3,5], expected bool[3,5] as rhs has it");
  EXPECT_EQ(refusal([&] { dot_where(half, r, of_rhs, kMatrices); }).substr(0, 12), "error[E0100]");
}

}  // namespace
}  // namespace strata::ops
