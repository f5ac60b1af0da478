// A second kind of handle, as tensor/ makes one: every user function and operator must serve it, with the caller's
// line.
#include "strata/ops/operands/handle.h"

#include <gtest/gtest.h>

#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"

namespace elsewhere {

/// Stands for a tensor: a value of a graph, in another namespace, so that only argument-dependent lookup finds the
/// functions.
struct Boxed : strata::ops::Operators<Boxed> {
  strata::ir::Value value;
};

}  // namespace elsewhere

namespace strata::ops {

template <>
struct HandleTraits<elsewhere::Boxed> {
  static constexpr bool is_handle = true;
  struct Recording {
    ir::LocationScope scope;
    Graph& to;
    Recording(Source at, const elsewhere::Boxed* anchor)
        : scope(anchor->value.graph(), {at.file, at.line, nullptr}), to(anchor->value.graph()) {}
    Graph& graph() { return to; }
  };
  static Value enter(Recording&, const elsewhere::Boxed& x) { return x.value; }
  static elsewhere::Boxed leave(Recording&, Value v) { return {{}, v}; }
};

}  // namespace strata::ops

namespace elsewhere {
namespace {

using strata::ir::DType;
using strata::ir::Type;

struct OtherHandles : testing::Test {
  strata::ir::Graph graph;
  Boxed make(std::initializer_list<strata::ir::Dim> shape) {
    return {{}, graph.add_parameter(Type::of(DType::f32, shape))};
  }
};

TEST_F(OtherHandles, OperatorsBroadcastAndTakeLiterals) {
  const Boxed x = make({4, 3}), y = make({3});
  EXPECT_EQ((x + y * 2).value.type(), x.value.type());
  EXPECT_EQ((1 - x / 2.0).value.type(), x.value.type());
  EXPECT_EQ((x < 0.5).value.dtype(), DType::boolean);
  EXPECT_EQ((-x).value.node->op, &strata::ops::kNeg);
}

TEST_F(OtherHandles, FunctionsAreFoundByTheirArgument) {
  const Boxed x = make({4, 3});
  EXPECT_EQ(tanh(x).value.node->op, &strata::ops::kTanh);
  EXPECT_EQ(maximum(x, 0).value.type(), x.value.type());
  EXPECT_EQ(maximum(0, x).value.type(), x.value.type());
  EXPECT_EQ(select(x > 0, x, 0).value.type(), x.value.type());
  EXPECT_EQ(gelu(pow(x, 3)).value.type(), x.value.type());
  EXPECT_EQ(cast(x, DType::bf16).value.dtype(), DType::bf16);
}

TEST_F(OtherHandles, EveryNodeOfAFunctionGetsTheCallersLine) {
  const Boxed x = make({4});
  const size_t before = graph.nodes().size();
  [[maybe_unused]] const Boxed y = gelu(x) + softplus(x);
  const uint32_t line = __LINE__;
  for (size_t i = before; i < graph.nodes().size(); ++i) {
    EXPECT_LE(line - graph.nodes()[i]->where.line, 2u);
    EXPECT_NE(std::string(graph.nodes()[i]->where.file).find("handle_test.cpp"), std::string::npos);
  }
}

}  // namespace
}  // namespace elsewhere
