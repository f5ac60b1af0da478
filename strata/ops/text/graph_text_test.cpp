// The text form of tensor programs over the whole op table: every op's samples print, parse and print the same.
#include <gtest/gtest.h>

#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/verify.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

void expect_same_after_parsing(const ir::Graph& graph) {
  const std::string text = ir::print_graph(graph);
  const auto again = ir::parse_graph(text, op_table());
  ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
  EXPECT_EQ(ir::print_graph(**again), text);
  EXPECT_TRUE((*again)->hash() == graph.hash()) << text;
  EXPECT_FALSE(ir::find_graph_fault(**again));
}

std::string error_of(const std::string& text) {
  const auto graph = ir::parse_graph(text, op_table());
  return graph.ok() ? "parsed" : graph.error().text();
}

class Text : public testing::TestWithParam<const ir::Op*> {};

TEST_P(Text, EverySamplePrintsAndParsesToTheSameProgram) {
  const ir::Op& op = *GetParam();
  if (!op.samples) GTEST_SKIP() << op.samples.reason;
  for (const ir::Sample& sample : op.samples.fn()) expect_same_after_parsing(*sample_graph(op, sample));
}

INSTANTIATE_TEST_SUITE_P(Ops, Text, testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(GraphText, KeepsFactsSymbolsPositionsEffectsAndOddNames) {
  ir::Graph graph("a step");
  const Dim batch = Dim::symbol("B");
  graph.facts().add({"B", 1, 64, 4});
  graph.set_location({ir::intern("/home/x/mlp.cpp"), 17, ir::intern("hidden.weight")});
  const Value x = graph.add_parameter(Type::of(DType::f32, {batch, batch * 2 + 1}), "block.0/weight");
  const Value y = graph.add_parameter(Type::of(DType::f32, {batch, batch * 2 + 1}), "block.0/weight");
  print(x, "a \"label\"\n\x01");
  graph.set_location({nullptr, 0, ir::intern("only.path")});
  const Value sum = add<Value>(x, y);
  graph.set_results({sum, reduce_sum(sum, {0, 1})});
  expect_same_after_parsing(graph);
  EXPECT_NE(ir::print_graph(graph).find("@ mlp.cpp:17 hidden.weight"), std::string::npos) << ir::print_graph(graph);
  EXPECT_EQ(ir::print_graph(graph, {.positions = false}).find("mlp.cpp"), std::string::npos);
}

TEST(GraphText, KeepsTheBitsOfLiterals) {
  ir::Graph graph;
  std::vector<Value> results;
  for (DType t : ir::kAllDTypes) {
    for (int64_t count : {0, 1, 5, 65, 200}) {
      const ir::SampleOperand operand{Type::of(t, {Dim(count)}), ir::SampleOperand::Domain::Special};
      results.push_back(constant(graph, sample_array(operand, 7 + count)));
    }
    results.push_back(constant(graph, HostArray::scalar(t, 1)));
    results.push_back(constant(graph, HostArray(t, {3, 50})));
  }
  graph.set_results(results);
  expect_same_after_parsing(graph);
}

TEST(GraphText, ReadsANumberAsAConstantOfItsNeighboursType) {
  const auto graph =
      ir::parse_graph("func @f(%x: f16[2,3]) -> f16[2,3] { %y = maximum 0.5, %x return %y }", op_table());
  ASSERT_TRUE(graph.ok()) << graph.error().text();
  const ir::Node& max = *(*graph)->results()[0].node;
  EXPECT_EQ(max.operand(0).type().str(), "f16[2,3]");
  EXPECT_EQ(max.operand(0).node->op->name, "broadcast");
}

TEST(GraphText, TellsTheLineTheColumnAndTheNearestName) {
  EXPECT_EQ(error_of("func @f(%x: f32[2]) -> f32[2] {\n  %y = tan %x\n  return %y\n}"),
            "error[E0130]: line 2, column 8: there is no op named 'tan'\nhint: did you mean 'tanh'?");
  EXPECT_EQ(error_of("func @f(%xs: f32[2]) -> f32[2] {\n  return %xz\n}"),
            "error[E0130]: line 2, column 10: %xz is not defined above in @f\nhint: did you mean '%xs'?");
  EXPECT_EQ(error_of("func @f(%x: f33[2]) -> f32[2] {}"),
            "error[E0130]: line 1, column 13: expected a dtype, found 'f33'\nhint: did you mean 'f32'?");
  EXPECT_EQ(error_of("func @f(%x: f32[2]) -> f32[1] { %y = reduce_sum %x {axis = [0]} return %y }"),
            "error[E0130]: line 1, column 53: reduce_sum has no attribute 'axis'\nhint: did you mean 'axes'?");
  EXPECT_EQ(error_of("func @f(%x: f32[2]) -> f32[] { %y = reduce_sum %x return %y }"),
            "error[E0130]: line 1, column 51: reduce_sum lacks attribute 'axes'");
}

TEST(GraphText, ComparesWrittenTypesWithTheInferredOnes) {
  EXPECT_EQ(error_of("func @f(%x: f32[2]) -> f32[2] { %y = tanh %x : f32[3] return %y }"),
            "error[E0130]: line 1, column 46: tanh gives f32[2], the text says otherwise");
  EXPECT_EQ(error_of("func @f(%x: f32[2]) -> f32[3] { return %x }"),
            "error[E0130]: line 1, column 24: result 0 of @f should be f32[3], found f32[2]");
  const std::string mixed = error_of("func @f(%x: f32[2], %y: f32[3]) -> f32[2] {\n  %z = add %x, %y\n  return %z\n}");
  EXPECT_NE(mixed.find("error[E0101]"), std::string::npos) << mixed;
  EXPECT_NE(mixed.find("at line 2, column 3"), std::string::npos) << mixed;
}

TEST(GraphText, RefusesWhatWouldExhaustMemoryOrTheStack) {
  EXPECT_NE(
      error_of("func @f() -> f32[1] { %c = constant {value = f32[1000000000000] splat 0.0} return %c }").find("larger"),
      std::string::npos);
  EXPECT_NE(error_of("func @f(%x: f32[4611686018427387903,4611686018427387903]) -> f32[] { }").find("E0122"),
            std::string::npos);
  std::string nested = "func @f() -> () {\n";
  for (int i = 0; i < 100; ++i) nested += "barrier func @f() -> () {\n";
  EXPECT_NE(error_of(nested).find("nest too deeply"), std::string::npos);
}

TEST(GraphText, EveryPrefixOfATextGivesAnErrorAndNoCrash) {
  const std::string text =
      "func @f(%x: f32[B,4], %y: i32[]) -> (f32[B], bool[]) where B in [1, 64], B % 4 == 0 {\n"
      "  %0 = constant {value = f32[2] [1.0, -inf]} : f32[2]\n  %1 = reduce_max %x {axes = [1]}  @ a.cpp:3 name\n"
      "  %2 = constant {value = bool[] true}\n  print %1 {label = \"x\\\"\"}\n  return %1, %2\n}";
  ASSERT_EQ(error_of(text), "parsed");
  for (size_t n = 1; n < text.size(); ++n) EXPECT_NE(error_of(text.substr(0, n)), "parsed") << text.substr(0, n);
}

}  // namespace
}  // namespace strata::ops
