// Scans whose steps treat lanes alone: one kernel with the bits of the steps one by one, on every instruction set, and
// the reason where a scan is none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/error/message_of.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/lane_loops.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/lane_loop.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

Value spread(Value x, Value like, std::initializer_list<int64_t> axes) {
  return ops::broadcast(x, like.type().shape(), std::span(axes.begin(), axes.size()));
}

/// A step that sums its slices by themselves, which has no lanes.
std::shared_ptr<Graph> sums_of_slices() {
  auto graph = std::make_shared<Graph>("sums_of_slices");
  const Value x = graph->add_parameter(f32({7, 6})), y = graph->add_parameter(f32({4, 5, 7}));
  const Value zero = ops::full(*graph, f32({6}), 0.0);
  const auto body = [](Graph&, const Values& p) -> Values {
    const Value d = ops::dot(p[2], p[0], {{1}, {0}, {}, {}});  // [5, lanes]
    const Value of_slice = ops::reduce_sum(p[2] * p[2], {1});
    return {p[1] + ops::reduce_max(d - spread(of_slice, d, {0}), {0})};
  };
  graph->set_results(ops::scan({{x}, {zero}, {y}}, 4, body).carries);
  return graph;
}

/// Two carries, of which the first reads the second: products with and without a sum of exponentials between.
std::shared_ptr<Graph> weighted_sums(Dim lanes, ops::ScanOrder order, bool is_stacked, bool has_condition) {
  auto graph = std::make_shared<Graph>("weighted_sums");
  const Value x = graph->add_parameter(f32({2, lanes, 3})), y = graph->add_parameter(f32({4, 2, 5, 3}));
  const Value zero = ops::full(*graph, f32({2, lanes}), 0.0), zeros = ops::full(*graph, f32({2, 3, lanes}), 0.0);
  const auto body = [&](Graph& g, const Values& p) {
    const Value d = ops::dot(p[3], p[0], {{2}, {1}, {0}, {0}});  // [2, 5, lanes]
    const Value near = ops::exp(ops::minimum(d * 0.5, ops::constant_like(d, 3.0)));
    const Value most = ops::reduce_max(near, {1});
    const Value sum = ops::dot(p[3], near, {{1}, {1}, {0}, {0}});
    Value next = p[1] + sum * spread(p[2] + 1.0, sum, {0, 2}), best = ops::maximum(p[2], most);
    if (has_condition) {
      const Value seen = ops::lt<Value>(ops::iota(g, Type::of(DType::i32, {2, lanes}), 1), 9);
      next = ops::select(spread(seen, next, {0, 2}), next, p[1]);
      best = ops::select(seen, best, p[2]);
    }
    Values results{next, best};
    if (is_stacked) results.push_back(near);
    return results;
  };
  const auto made = ops::scan({{ops::transpose(x, {0, 2, 1})}, {zeros, zero}, {y}}, 4, body, order);
  Values results = made.carries;
  results.insert(results.end(), made.ys.begin(), made.ys.end());
  results[0] = ops::transpose(results[0] * 0.5, {2, 0, 1});
  graph->set_results(results);
  return graph;
}

const ir::Node* kernel_in(const Graph& graph) {
  for (const ir::Node* node : graph.nodes())
    if (!node->is_parameter() && node->op == &ops::kFusion) return node;
  return nullptr;
}

struct Form {
  ops::ScanOrder order;
  bool is_stacked, has_condition;
};
constexpr Form kForms[] = {{ops::ScanOrder::Forward, false, false},
                           {ops::ScanOrder::Reverse, false, true},
                           {ops::ScanOrder::Reverse, true, false},
                           {ops::ScanOrder::Forward, true, false}};

TEST(LaneLoops, HaveTheBitsOfTheStepsOneByOne) {
  for (const int64_t lanes : {1, 2, 7, 16, 70})
    for (const Form& form : kForms) {
      const auto graph = weighted_sums(lanes, form.order, form.is_stacked, form.has_condition);
      const std::vector<HostArray> arguments{random_array({2, lanes, 3}, 1), random_array({4, 2, 5, 3}, 2)};
      const auto program = compile(graph);
      EXPECT_EQ(std::ranges::count(program->plan().commands, ir::CommandKind::Host, &ir::PlanCommand::kind), 0);
      const auto found = program->run(std::vector(arguments)),
                 steps = compile(graph, {.disabled_passes = {"lane-loops"}})->run(std::vector(arguments));
      ASSERT_EQ(found.size(), steps.size());
      for (size_t r = 0; r < found.size(); ++r) EXPECT_TRUE(found[r].same_bits(steps[r])) << lanes << ", result " << r;
    }
}

TEST(LaneLoops, SchedulesForEveryInstructionSetKeepTheBits) {
  for (const Dim lanes : {Dim(1), Dim(5), Dim(64), Dim(100), Dim::symbol("T")})
    for (const Form& form : kForms) {
      const auto graph = lane_loops(*weighted_sums(lanes, form.order, form.is_stacked, form.has_condition), {});
      const ir::Node* kernel = kernel_in(*graph);
      ASSERT_TRUE(kernel);
      const auto naive = lower_kernel(*kernel, graph->facts(), "lanes");
      for (const int64_t length : {1, 3, 37, 130}) {
        EXPECT_EQ(compare_schedules(naive, lanes.is_constant() ? std::vector<int64_t>{} : std::vector<int64_t>{length}),
                  "");
        if (lanes.is_constant()) break;
      }
    }
}

TEST(LaneLoops, AGivenScheduleIsTakenAndAMisfitSaysWhy) {
  const auto graph = lane_loops(*weighted_sums(100, ops::ScanOrder::Forward, false, false), {});
  const auto naive = lower_kernel(*kernel_in(*graph), graph->facts(), "lanes");
  const auto refusal = [&](const std::string& text) {
    const std::string message =
        base::message_of([&] { schedule(naive, {.bytes = 32}, nullptr, {.rewrites = text, .is_strict = true}); });
    return message.substr(0, message.find('\n'));
  };
  EXPECT_EQ(refusal("vectorise strip by 8; tile rows by 3, strip by 16; parallel strip by 32"), "no error");
  EXPECT_EQ(refusal("vectorise strip by 8; tile rows by 3, strip by 12; parallel strip by 32"),
            "error[E0317]: `tile strip` takes a multiple of the vector's 8, found 12");
  EXPECT_EQ(refusal("vectorise strip by 8; tile rows by 3, strip by 16; parallel strip by 24"),
            "error[E0317]: `parallel strip` takes a multiple of the tile's 16, found 24");
  EXPECT_EQ(refusal("vectorise strip by 8; tile rows by 40, strip by 16; parallel strip by 32"),
            "error[E0317]: a tile of 40 rows by 2 vectors has more than 64 sums");
}

TEST(LaneLoops, AScanThatIsNoneRunsByStepsAndSaysWhy) {
  std::vector<std::string> remarks;
  const auto graph = lane_loops(*sums_of_slices(), {.target = nullptr, .remarks = &remarks});
  EXPECT_EQ(kernel_in(*graph), nullptr);
  ASSERT_EQ(remarks.size(), 1u);
  EXPECT_TRUE(remarks[0].ends_with("its steps run as kernels of their own: f32[5] in a step lacks the lanes"))
      << remarks[0];
}

TEST(LaneLoops, AShortSumAcrossLanesIsNoFunctionOfOneLane) {
  for (const int64_t lanes : {2, 3, 4})
    for (const bool has_product : {false, true}) {
      auto graph = std::make_shared<Graph>("normalised");
      const Value x = graph->add_parameter(f32({5, lanes})), y = graph->add_parameter(f32({4, 5, 5}));
      const auto body = [&](Graph&, const Values& p) -> Values {
        const Value next = has_product ? ops::dot(p[1], p[0], {{1}, {0}, {}, {}}) : p[0] * 0.5;
        return {next - spread(ops::reduce_sum(next, {1}), next, {0})};
      };
      graph->set_results(ops::scan({{}, {x}, {y}}, 4, body).carries);
      const std::vector<HostArray> arguments{random_array({5, lanes}, 1), random_array({4, 5, 5}, 2)};
      const auto found = compile(graph)->run(std::vector(arguments)),
                 steps = compile(graph, {.disabled_passes = {"lane-loops", "fuse"}})->run(std::vector(arguments));
      EXPECT_TRUE(found[0].same_bits(steps[0])) << lanes << has_product;
      EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt) << lanes << has_product;
    }
}

}  // namespace
}  // namespace strata::compiler
