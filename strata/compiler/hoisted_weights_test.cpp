// What loops compute of their constants once, and weights that lie in panels: the bits of steps that do all of it each
// time, and what the interpreter says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/compiler/compile.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"
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

/// h = tanh(h wᵀ + exp(b) + x), with the weight as a linear layer has it.
std::shared_ptr<Graph> recurrence(int64_t width, Dim rows, Dim length) {
  auto graph = std::make_shared<Graph>("recurrence");
  const Value w = graph->add_parameter(f32({Dim(width), Dim(width)})), b = graph->add_parameter(f32({Dim(width)})),
              h = graph->add_parameter(f32({rows, Dim(width)})),
              x = graph->add_parameter(f32({length, rows, Dim(width)}));
  const auto made = ops::scan({{w, b}, {h}, {x}}, length, [](Graph&, const Values& p) {
    const Value bias = ops::broadcast_to(ops::exp(p[1]), p[2].shape());
    const Value next = ops::tanh(ops::dot(p[2], p[0], {{1}, {1}, {}, {}}) + bias + p[3]);
    return Values{next, next};
  });
  graph->set_results({made.carries[0], made.ys[0]});
  return graph;
}

std::vector<HostArray> arguments_of(int64_t width, int64_t rows, int64_t length) {
  std::vector<HostArray> all{random_array({width, width}, 1), random_array({width}, 2), random_array({rows, width}, 3),
                             random_array({length, rows, width}, 4)};
  const double special[] = {std::nan(""), std::numeric_limits<double>::infinity(), -0.0};
  for (int64_t i = 0; i < all[3].elements(); i += 97) all[3].set(i, special[(i / 97) % 3]);
  return all;
}

void expect_same_bits(const std::vector<HostArray>& a, const std::vector<HostArray>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t r = 0; r < a.size(); ++r) EXPECT_TRUE(a[r].same_bits(b[r])) << r << "\n" << a[r].str() << b[r].str();
}

void expect_close(const HostArray& a, const HostArray& b) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.elements(); ++i) {
    if (std::isnan(b.get(i)))
      EXPECT_TRUE(std::isnan(a.get(i))) << i;
    else
      EXPECT_NEAR(a.get(i), b.get(i), 1e-4) << i;
  }
}

size_t kernels_within(const ir::Plan& plan) {
  return std::ranges::count(plan.commands, ir::CommandKind::Kernel, &ir::PlanCommand::kind);
}

const std::vector<std::vector<int64_t>> kSizes = {{33, 1, 3}, {67, 5, 4}, {40, 0, 3}, {64, 16, 0}, {131, 7, 2}};

TEST(HoistedWeights, LoopsGiveTheBitsOfStepsThatPackEachTime) {
  for (const auto& size : kSizes) {
    const auto graph = recurrence(size[0], Dim(size[1]), Dim(size[2]));
    const auto hoisted = compile(graph), each_time = compile(graph, {.disabled_passes = {"hoist-invariants"}});
    const auto arguments = arguments_of(size[0], size[1], size[2]);
    const auto found = hoisted->run(std::vector(arguments));
    expect_same_bits(found, each_time->run(std::vector(arguments)));
    expect_close(found[1], ir::interpret(*graph, arguments)[1]);
  }
}

TEST(HoistedWeights, ALoopOfSymbolsComputesTheWeightsPanelsOnceBeforeIt) {
  const auto graph = recurrence(48, Dim::symbol("B"), Dim::symbol("T"));
  const auto hoisted = compile(graph), each_time = compile(graph, {.disabled_passes = {"hoist-invariants"}});
  if (hoisted->origin().isa != "scalar") {
    EXPECT_EQ(kernels_within(hoisted->plan()), kernels_within(each_time->plan()) + 2);  // the panels and exp(b)
  }
  for (const auto& [rows, length] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {0, 4}, {3, 0}}) {
    const auto arguments = arguments_of(48, rows, length);
    expect_same_bits(hoisted->run(std::vector(arguments)), each_time->run(std::vector(arguments)));
  }
}

TEST(HoistedWeights, AWhileAndALoopWithinALoopGiveTheSame) {
  auto graph = std::make_shared<Graph>("nested");
  const Value w = graph->add_parameter(f32({Dim(40), Dim(40)})), h = graph->add_parameter(f32({Dim(3), Dim(40)})),
              n = graph->add_parameter(Type::of(DType::i32, std::vector<Dim>{}));
  const auto step = [](Graph&, const Values& p) {
    return Values{ops::tanh(ops::dot(p[1], ops::sin(p[0]), {{1}, {1}, {}, {}}))};
  };
  const auto outer = ops::while_loop(
      {w}, {h, n}, [](Graph&, const Values& p) { return Values{ops::gt(p[2], Value(ops::zeros_like(p[2])))}; },
      [&](Graph& g, const Values& p) {
        const auto inner = ops::scan({{p[0]}, {p[1]}, {}}, 3, step);
        const Value one = ops::constant(g, HostArray::scalar(DType::i32, 1));
        return Values{inner.carries[0], p[2] - one};
      });
  graph->set_results(outer);
  std::vector<HostArray> arguments{random_array({40, 40}, 1), random_array({3, 40}, 2),
                                   HostArray::scalar(DType::i32, 2)};
  const auto hoisted = compile(graph), each_time = compile(graph, {.disabled_passes = {"hoist-invariants"}});
  const auto found = hoisted->run(std::vector(arguments));
  expect_same_bits(found, each_time->run(std::vector(arguments)));
  expect_close(found[0], ir::interpret(*graph, arguments)[0]);
  EXPECT_GE(kernels_within(hoisted->plan()), 1u);  // sin(w), from two loops down
}

}  // namespace
}  // namespace strata::compiler
