// Programs on a device that shares no memory with the host and is never done at once: the executor may look at nothing
// but through it. And commands that need none of each other, side by side.
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "strata/base/error/message_of.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/llvm/llvm_target.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/compiler/testing/queue_device.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/dependences.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/testing/random_program.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

/// LLVM's code on a queue.
class QueueTarget final : public llvm_backend::LlvmTarget {
 public:
  QueueTarget() : LlvmTarget(std::make_shared<const llvm_backend::CodeGenerator>(), machine::host_cpu_target()) {}
  const runtime::Device& device() const override { return queue; }
  QueueDevice queue;
};

HostArray counted(std::vector<int64_t> shape, double scale) {
  HostArray a(DType::f32, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, scale * static_cast<double>(i % 13 - 6));
  return a;
}

TEST(Devices, RandomProgramsGiveTheSameBitsOnAQueueWithMemoryOfItsOwn) {
  const QueueTarget target;
  for (uint64_t seed = 700; seed < 760; ++seed) {
    const ops::RandomProgram program = ops::make_random_program(seed, ops::all_ops());
    const auto expected = compile(program.graph)->run(copies_of(program.arguments));
    const auto found = compile(program.graph, {.target = &target})->run(copies_of(program.arguments));
    EXPECT_EQ(first_difference(expected, found).value_or(""), "") << "seed " << seed;
    ASSERT_EQ(target.queue.misuse(), "") << "seed " << seed;
  }
}

std::shared_ptr<Graph> step_of(Type type) {
  auto graph = std::make_shared<Graph>("step");
  const Value w = graph->add_parameter(type, "w"), x = graph->add_parameter(type, "x");
  graph->set_results({w - x * 0.5, ops::reduce_sum(w * x, {0})});
  return graph;
}

TEST(Devices, ADonatedArgumentIsWrittenBackIntoItsOwnMemory) {
  const QueueTarget target;
  const auto graph = std::make_shared<Graph>("step");
  const Type type = Type::of(DType::f32, {64});
  const Value w = graph->add_parameter(type), x = graph->add_parameter(type);
  graph->set_results({w - x * 0.5});
  const auto program = compile(graph, {.target = &target, .donations = {{0, 0}}});
  std::vector<HostArray> arguments{counted({64}, 1), counted({64}, 0.25)};
  const std::byte* const memory = arguments[0].data();
  const auto expected = ir::interpret(*graph, arguments);
  const auto found = program->run(std::move(arguments));
  EXPECT_EQ(first_difference(expected, found).value_or(""), "");
  EXPECT_EQ(found[0].data(), memory);
}

TEST(Devices, AResultThatIsNotFiniteIsFoundAndNothingHasChanged) {
  const QueueTarget target;
  const auto program = compile(step_of(Type::of(DType::f32, {64})), {.target = &target, .finite = {{0, "w"}}});
  std::vector<HostArray> bad{counted({64}, 1), counted({64}, 0.25)};
  bad[1].set(5, std::numeric_limits<double>::infinity());
  const HostArray before = bad[0].clone();
  EXPECT_TRUE(base::message_of([&] { program->run(std::move(bad)); }).starts_with("error[E0318]: step: w[5] would"));
  EXPECT_TRUE(bad[0].same_bits(before));
}

TEST(Devices, SeveralThreadsShareOne) {
  const QueueTarget target;
  const auto program = compile(step_of(Type::of(DType::f32, {ir::Dim::symbol("N")})), {.target = &target});
  std::vector<std::thread> threads;
  for (int64_t t = 1; t <= 4; ++t)
    threads.emplace_back([&program, t] {
      const std::vector<HostArray> arguments{counted({17 * t}, 1), counted({17 * t}, 0.5)};
      const auto expected = ir::interpret(*step_of(Type::of(DType::f32, {17 * t})), arguments);
      for (int run = 0; run < 8; ++run)
        EXPECT_EQ(first_difference(expected, program->run(copies_of(arguments))).value_or(""), "");
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(target.queue.misuse(), "");
}

/// Two products that need nothing of each other, each too small for two threads, and a third that needs both.
std::shared_ptr<Graph> two_and_one() {
  auto graph = std::make_shared<Graph>("two");
  const Type type = Type::of(DType::f32, {32, 32});
  const Value a = graph->add_parameter(type), b = graph->add_parameter(type), c = graph->add_parameter(type);
  const Value left = ops::matmul(a, b), right = ops::matmul(b, c);
  graph->set_results({ops::matmul(ops::tanh(left), ops::exp(right * 0.01))});
  return graph;
}

TEST(Steps, CommandsSayWhichOthersTheyNeed) {
  const auto program = compile(two_and_one());
  const ir::Plan& plan = program->plan();
  const auto needed = ir::dependences(plan);
  ASSERT_EQ(needed.size(), plan.commands.size());
  EXPECT_TRUE(needed[0].empty());
  EXPECT_TRUE(needed[1].empty()) << "the second product reads arguments alone";
  EXPECT_EQ(needed.back().size(), plan.commands.size() > 3 ? 1u : 2u);
}

TEST(Steps, WhatNeedsNothingOfEachOtherIsLaunchedTogetherAndGivesTheSameBits) {
  const QueueTarget target;
  const std::vector<HostArray> arguments{counted({32, 32}, 0.1), counted({32, 32}, 0.2), counted({32, 32}, 0.3)};
  const auto on_a_queue = compile(two_and_one(), {.target = &target});
  runtime::RunContext two(2), one(1);
  const auto expected = compile(two_and_one())->run(copies_of(arguments), one);
  EXPECT_EQ(first_difference(expected, compile(two_and_one())->run(copies_of(arguments), two)).value_or(""), "");
  EXPECT_EQ(first_difference(expected, on_a_queue->run(copies_of(arguments), two)).value_or(""), "");
  EXPECT_EQ(target.queue.most_at_once(), base::ThreadPool::shared().thread_count() > 1 ? 2u : 1u);
}

}  // namespace
}  // namespace strata::compiler
