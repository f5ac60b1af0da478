// Algorithms by name over whole programs: what they take is what they take when asked for one by one, the rest stays
// and is reported.
#include "strata/transform/with_algorithms.h"

#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/transform/testing/numeric_checks.h"

namespace strata::transform {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::Type;
using ir::Value;
using ops::ConvAlgorithm;
using ops::DotAlgorithm;

constexpr Algorithms kWinograd{.conv = ConvAlgorithm::WinogradF4x3};

/// A 3 x 3, a strided, a 1 x 1 and a depthwise convolution, and a grouped one, of an image [2, 4, 9, 7].
std::unique_ptr<Graph> network(ConvAlgorithm where_it_fits) {
  auto graph = std::make_unique<Graph>("network");
  Value x = graph->add_parameter(Type::of(DType::f32, {2, 4, 9, 7}), "x");
  const auto weight = [&](Dim o, Dim i, Dim k) { return graph->add_parameter(Type::of(DType::f32, {o, i, k, k})); };
  const ops::Shape ones{1, 1};
  x = ops::conv(x, weight(8, 4, 3), {.pad_lo = ones, .pad_hi = ones, .algorithm = where_it_fits});
  x = ops::conv(x, weight(8, 8, 1));
  x = ops::conv(x, weight(8, 1, 3), {.pad_lo = ones, .pad_hi = ones, .groups = 8});
  x = ops::conv(x, weight(8, 4, 3), {.pad_lo = ones, .pad_hi = ones, .groups = 2, .algorithm = where_it_fits});
  x = ops::conv(x, weight(4, 8, 3), {.strides = {2, 2}});
  graph->set_results({x});
  return graph;
}

TEST(WithAlgorithms, GivesTheProgramInWhichTheyWereAskedForOneByOne) {
  AlgorithmReport report;
  const auto made = with_algorithms(*network(ConvAlgorithm::Direct), kWinograd, &report);
  EXPECT_EQ(made->hash(), network(ConvAlgorithm::WinogradF4x3)->hash());
  const std::string no_window = "takes windows of 3 x 3, found f32[8,8,1,1]";
  const std::vector<std::string> expected{
      "2 of 5 contractions are computed as asked",
      "conv f32[2,4,9,7] by f32[8,4,3,3]: winograd_f4x3",
      "conv f32[2,8,9,7] by f32[8,8,1,1]: not winograd_f4x3, since that " + no_window,
      "conv f32[2,8,9,7] by f32[8,1,3,3]: not winograd_f4x3, since each group has one channel",
      "conv f32[2,8,9,7] by f32[8,4,3,3]: winograd_f4x3",
      "conv f32[2,8,9,7] by f32[4,8,3,3]: not winograd_f4x3, since that takes no strides, found strides 2"};
  EXPECT_EQ(report.lines(), expected);
}

TEST(WithAlgorithms, OfNothingIsTheSameProgram) {
  AlgorithmReport report;
  const auto graph = network(ConvAlgorithm::Direct);
  EXPECT_EQ(with_algorithms(*graph, {}, &report)->hash(), graph->hash());
  EXPECT_TRUE(report.lines().empty());
}

TEST(WithAlgorithms, TwiceIsOnce) {
  const auto once = with_algorithms(*network(ConvAlgorithm::Direct), kWinograd);
  AlgorithmReport report;
  EXPECT_EQ(with_algorithms(*once, kWinograd, &report)->hash(), once->hash());
  EXPECT_EQ(report.changed(), 0u);
}

TEST(WithAlgorithms, TakesDotsOfBf16AndLeavesOthers) {
  const auto program = [](DotAlgorithm algorithm) {
    auto graph = std::make_unique<Graph>("dots");
    const Value x = graph->add_parameter(Type::of(DType::bf16, {3, 4, 5})),
                w = graph->add_parameter(Type::of(DType::bf16, {3, 5, 2}));
    const Value y = ops::dot(x, w, {{2}, {1}, {0}, {0}, algorithm}, DType::f32);
    graph->set_results({ops::dot(y, y, {{2}, {2}, {0}, {0}})});
    return graph;
  };
  AlgorithmReport report;
  const auto made = with_algorithms(*program(DotAlgorithm::Direct), {.dot = DotAlgorithm::FlushedBf16}, &report);
  EXPECT_EQ(made->hash(), program(DotAlgorithm::FlushedBf16)->hash());
  ASSERT_EQ(report.entries.size(), 2u);
  EXPECT_EQ(report.entries[0].kept_because, "");
  EXPECT_EQ(report.entries[1].kept_because,
            "takes bf16 by bf16 into bf16 or f32, found f32[3,4,2] by f32[3,4,2] into f32");
  EXPECT_EQ(with_algorithms(*made, kWinograd, &report)->hash(), made->hash());
}

/// A function that is called twice stays one; its position stays, too.
TEST(WithAlgorithms, GoesIntoCallsAndLeavesBodiesOfComposites) {
  const ops::ConvShape padded{.pad_lo = {1, 1}, .pad_hi = {1, 1}};
  const Type image = Type::of(DType::f64, {1, 3, 6, 6}), window = Type::of(DType::f64, {3, 3, 3, 3});
  Graph graph;
  const Value x = graph.add_parameter(image, "x"), w = graph.add_parameter(window, "w");
  const auto body = std::make_shared<Graph>("layer");
  const Value a = body->add_parameter(image), b = body->add_parameter(window);
  body->set_location({"net.cpp", 12, nullptr});
  body->set_results({ops::conv(a, b, padded)});
  const ir::GraphRef layer = body;
  const auto called = [&](Value v) {
    const Value list[] = {v, w};
    return graph.add(ops::kCall, list, {}, {&layer, 1})->result();
  };
  const Value own =
      ops::as_composite("own", {}, [&](Value p, Value q) { return ops::conv(p, q, padded); }, called(called(x)), w);
  graph.set_results({own});

  AlgorithmReport report;
  const auto made = with_algorithms(graph, kWinograd, &report);
  ASSERT_EQ(report.entries.size(), 2u);
  EXPECT_EQ(report.entries[0].kept_because, "");
  EXPECT_NE(report.entries[0].contraction.find("net.cpp:12"), std::string::npos) << report.entries[0].contraction;
  EXPECT_EQ(report.entries[1].kept_because, "it is part of the body of own");
  const ir::Node* calls[2] = {};
  size_t found = 0;
  for (const ir::Node* node : made->nodes())
    if (!node->is_parameter() && node->op == &ops::kCall && found < 2) calls[found++] = node;
  ASSERT_EQ(found, 2u);
  EXPECT_EQ(calls[0]->regions()[0], calls[1]->regions()[0]);

  const std::vector<ir::HostArray> arguments{checks::normal_like(ir::HostArray(DType::f64, {1, 3, 6, 6}), 1),
                                             checks::normal_like(ir::HostArray(DType::f64, {3, 3, 3, 3}), 2)};
  const auto expected = ir::interpret(graph, arguments), changed = ir::interpret(*made, arguments);
  for (int64_t i = 0; i < expected[0].elements(); ++i)
    EXPECT_NEAR(changed[0].get(i), expected[0].get(i), 1e-11) << i;  // of numbers about 150
  EXPECT_FALSE(changed[0].same_bits(expected[0]));
}

TEST(WithAlgorithms, OfNamesThatThereAreNotIsRefused) {
  EXPECT_EQ(algorithms_named({"winograd_f4x3", "flushed_bf16"}, "--algorithms"),
            (Algorithms{ConvAlgorithm::WinogradF4x3, DotAlgorithm::FlushedBf16}));
  EXPECT_EQ(algorithms_named({}, "--algorithms"), Algorithms{});
  EXPECT_EQ(base::message_of([] { algorithms_named({"winograd_f3x3"}, "--algorithms"); }),
            "error[E0116]: --algorithms: no algorithm is named 'winograd_f3x3'\nhint: did you mean winograd_f2x3?\n"
            "hint: there are flushed_bf16, winograd_f2x3, winograd_f4x3");
  EXPECT_EQ(base::message_of([] { algorithms_named({"winograd_f2x3", "winograd_f4x3"}, "--algorithms"); }),
            "error[E0116]: --algorithms: convolutions are computed by one algorithm, found winograd_f2x3 and "
            "winograd_f4x3");
}

}  // namespace
}  // namespace strata::transform
