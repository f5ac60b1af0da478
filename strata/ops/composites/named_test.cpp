// What a composite records: one node with the name, attributes and types that a back end needs, and a body at the
// caller's line.
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/operands/operators.h"

namespace strata::ops {
namespace {

struct NamedComposite : testing::Test {
  Graph graph;
  Value make(std::initializer_list<Dim> shape) { return graph.add_parameter(Type::of(DType::f32, shape)); }
};

TEST_F(NamedComposite, SaysItsNameAndAttributes) {
  const Value y = softmax(make({4, 3}), -1);
  ASSERT_TRUE(is_composite(*y.node));
  EXPECT_EQ(composite_name(*y.node), "softmax");
  EXPECT_EQ(y.node->attrs.integer("axis"), 1) << "counted from the front, so that equal calls are equal nodes";
  EXPECT_EQ(y.type(), Type::of(DType::f32, {4, 3}));
  EXPECT_EQ(graph.nodes().size(), 2u) << "the body is in the region";
}

TEST_F(NamedComposite, ListsTheOptionalOperandsThatAreGiven) {
  const Value x = make({4, 3}), w = make({3}), b = make({3});
  EXPECT_EQ(layer_norm(x, w, b).node->attrs.find("given"), nullptr);
  const Node& without_weight = *layer_norm(x, Value{}, b).node;
  EXPECT_EQ(without_weight.operand_count, 2u);
  const auto given = without_weight.attrs.ints("given");
  EXPECT_EQ(Ints(given.begin(), given.end()), (Ints{0, 2}));
}

TEST_F(NamedComposite, HasSeveralResults) {
  const BatchNorm n = batch_norm_train(make({2, 3, 4}), Value{}, Value{});
  EXPECT_EQ(n.result.node, n.variance.node);
  EXPECT_EQ(n.variance.index, 2u);
  EXPECT_EQ(n.mean.type(), Type::of(DType::f32, {3}));
}

TEST_F(NamedComposite, ItsBodyGetsThePositionAndThePathOfTheCaller) {
  graph.set_location({"user.cpp", 7, "block.2"});
  const Value y = gelu(make({4}));
  graph.set_location({"user.cpp", 9, "block.3"});
  const Value z = gelu(y);
  EXPECT_EQ(&y.node->region(0), &z.node->region(0)) << "one body for both";
  graph.set_results({z});
  const auto flat = expand_composites(graph);
  const size_t half = (flat->nodes().size() - 1) / 2;
  ASSERT_EQ(flat->nodes().size(), 1 + 2 * half);
  for (size_t i = 1; i <= half; ++i) EXPECT_EQ(flat->nodes()[i]->where.str(), "user.cpp:7 block.2");
  for (size_t i = half + 1; i <= 2 * half; ++i) EXPECT_EQ(flat->nodes()[i]->where.str(), "user.cpp:9 block.3");
}

TEST_F(NamedComposite, OtherAttributesOrTypesHaveOtherBodies) {
  const Value x = make({4}), y = make({5});
  EXPECT_NE(&elu(x, 1).node->region(0), &elu(x, 2).node->region(0));
  EXPECT_NE(&elu(x, 1).node->region(0), &elu(y, 1).node->region(0));
}

TEST_F(NamedComposite, AnErrorInABodyIsAtTheCallersLine) {
  graph.set_location({"user.cpp", 7, nullptr});
  try {
    attention(make({1, 3, 2, 4}), make({1, 2, 2, 4}), make({1, 2, 2, 4}), Value{});
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0102");
  }
  EXPECT_EQ(graph.nodes().size(), 3u) << "nothing is left of it";
}

TEST_F(NamedComposite, ExpandingReachesBodiesWithinBodiesAndKeepsTheMeaning) {
  const Value x = make({4, 5}), y = graph.add_parameter(Type::of(DType::i32, {4}));
  graph.set_results({cross_entropy(x, y, {.label_smoothing = 0.1}), mish(x)});
  const auto flat = expand_composites(graph);
  for (const Node* node : flat->nodes()) EXPECT_TRUE(node->is_parameter() || !is_composite(*node));
  HostArray logits(DType::f32, {4, 5}), targets(DType::i32, {4});
  for (int64_t i = 0; i < 20; ++i) logits.set(i, 0.3 * static_cast<double>(i % 7) - 1);
  for (int64_t i = 0; i < 4; ++i) targets.set_int(i, i);
  const auto a = ir::interpret(graph, std::vector{logits, targets}),
             b = ir::interpret(*flat, std::vector{logits, targets});
  for (size_t r = 0; r < a.size(); ++r)
    for (int64_t i = 0; i < a[r].elements(); ++i) EXPECT_EQ(a[r].get(i), b[r].get(i));
}

TEST_F(NamedComposite, BodiesKnowTheFactsOfTheirGraph) {
  graph.facts().add({"B", 1, 64, 8});
  const Value y = softmax(make({Dim::symbol("B"), 3}), 0);
  EXPECT_EQ(y.node->region(0).facts().all().size(), 1u);
}

TEST_F(NamedComposite, ALossRefusesDifferentTypesBeforeItRecords) {
  const Value x = make({4}), y = make({3});
  EXPECT_THROW(huber(x, y), base::Error);
  EXPECT_EQ(graph.nodes().size(), 2u);
}

}  // namespace
}  // namespace strata::ops
