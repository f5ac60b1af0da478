// One compiled program that several threads run at the same time, each in a context of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>

#include "strata/base/error/message_of.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/compiler/testing/eight_threads.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/execute/run_context.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using runtime::RunContext;
using Program = std::shared_ptr<const runtime::Executable>;

/// x [B, 32], w [32, 48]: a product, an intermediate between two kernels, and a loop with a region.
Program program() {
  auto graph = std::make_shared<Graph>("several");
  const Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 32})),
              w = graph->add_parameter(Type::of(DType::f32, {32, 48}));
  const Value y = ops::tanh(ops::matmul(x, w));
  const auto halve = [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{ops::exp(p[0]) * 0.5}; };
  const Value z = ops::scan({.carries = {y}}, 3, halve).carries[0];
  graph->set_results({ops::reduce_sum(z, {1}), y});
  return compile(graph);
}

std::vector<HostArray> arguments_of(int64_t batch) {
  return {random_array({batch, 32}, batch), random_array({32, 48}, 7)};
}

/// Each large enough for two threads, and small enough to be one thread's.
TEST(RunsAtOnce, SmallProductsThatThreadsShareOutHaveTheSerialBits) {
  auto graph = std::make_shared<Graph>("products");
  std::vector<Value> products;
  for (int i = 0; i < 21; ++i) {
    const Value x = graph->add_parameter(Type::of(DType::f32, {64, 67})),
                w = graph->add_parameter(Type::of(DType::f32, {67, 64 + i}));
    products.push_back(ops::matmul(x, w));
  }
  products.push_back(ops::reduce_sum(products[0], {1}));  // of what ran beside others
  graph->set_results(products);
  const Program p = compile(graph);
  std::vector<HostArray> arguments;
  for (int i = 0; i < 21; ++i) {
    arguments.push_back(random_array({64, 67}, 2 * i));
    arguments.push_back(random_array({67, 64 + i}, 2 * i + 1));
  }
  base::ThreadPool& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  pool.set_thread_count(1);
  const std::vector<HostArray> expected = p->run(std::vector<HostArray>(arguments));
  for (const int threads : {2, 3, 8}) {
    pool.set_thread_count(threads);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(same_bits(p->run(std::vector<HostArray>(arguments)), expected)) << threads;
  }
  pool.set_thread_count(before);
}

TEST(RunsAtOnce, OfEightThreadsWithRandomBindingsGiveTheSerialBits) {
  const Program p = program();
  constexpr int64_t kBatches = 100;  // more than the table of bindings keeps
  std::vector<std::vector<HostArray>> expected;
  for (int64_t b = 0; b < kBatches; ++b) expected.push_back(program()->run(arguments_of(b)));
  std::atomic<int> wrong{0};
  in_eight_threads([&](std::mt19937& bits) {
    const int64_t batch = bits() % kBatches;
    wrong += !same_bits(p->run(arguments_of(batch)), expected[batch]);
  });
  EXPECT_EQ(wrong, 0);
}

TEST(RunsAtOnce, OneContextServesOneRun) {
  auto graph = std::make_shared<Graph>("waits");
  const Value x = graph->add_parameter(Type::of(DType::f32, {64, 64}));
  const auto body = [](Graph&, const std::vector<Value>& p) {
    return std::vector<Value>{ops::tanh(ops::matmul(p[0], p[0]))};
  };
  graph->set_results({ops::scan({.carries = {x}}, 1'000'000, body).carries[0]});
  const Program p = compile(graph);
  RunContext context;
  const runtime::CancelToken token;
  std::string ended;
  std::thread other([&] {
    const runtime::CancelScope scope(token);
    do  // the small program may have the context just now
      ended = base::message_of([&] { p->run({random_array({64, 64}, 1)}, context); });
    while (ended.starts_with("error[E0322]"));
  });
  std::string refused = "no error";  // until the other run has begun
  const Program small = program();
  while (refused == "no error") refused = base::message_of([&] { small->run(arguments_of(2), context); });
  EXPECT_TRUE(refused.starts_with("error[E0322]")) << refused;
  EXPECT_TRUE(base::message_of([&] { context.trim(); }).starts_with("error[E0322]"));
  token.cancel();
  other.join();
  EXPECT_TRUE(ended.starts_with("error[E0319]")) << ended;
  EXPECT_TRUE(same_bits(small->run(arguments_of(2), context), small->run(arguments_of(2)))) << "usable again";
}

TEST(RunsAtOnce, AContextGrowsToItsLargestRunAndGivesItBack) {
  const Program p = program();
  RunContext context;
  EXPECT_EQ(context.bytes(), 0);
  p->run(arguments_of(50), context);
  const int64_t bytes = context.bytes();
  EXPECT_GT(bytes, 50 * 48 * 4);
  p->run(arguments_of(3), context);
  EXPECT_EQ(context.bytes(), bytes);
  p->run(arguments_of(90), context);
  EXPECT_GT(context.bytes(), bytes);
  context.trim();
  EXPECT_EQ(context.bytes(), 0);
  EXPECT_TRUE(same_bits(p->run(arguments_of(3), context), p->run(arguments_of(3))));
  EXPECT_GT(runtime::idle_context_bytes(), 0);
  runtime::trim_idle_contexts();
  EXPECT_EQ(runtime::idle_context_bytes(), 0);
}

TEST(RunsAtOnce, NoMemoryForTheArenaIsAnErrorWithItsSizeAndNothingIsLost) {
  auto graph = std::make_shared<Graph>("outer_product");
  const Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 1}));
  const Value square = ops::matmul(x, ops::transpose(x, {1, 0}));
  graph->set_results({ops::matmul(ops::tanh(square), x)});
  const Program p = compile(graph);
  RunContext context;
  const auto expected = p->run({random_array({5, 1}, 1)}, context);
  constexpr int64_t kRows = int64_t{1} << 23;  // its square takes 2^48 bytes
  std::vector<HostArray> many{HostArray(DType::f32, {kRows, 1})};
  const std::byte* const memory = many[0].data();
  const std::string message = base::message_of([&] { p->run(std::move(many), context); });
  EXPECT_TRUE(message.starts_with("error[E0112]")) << message;
  EXPECT_NE(message.find("outer_product: its arena takes 2814749767"), std::string::npos) << message;
  ASSERT_EQ(many.size(), 1u);
  EXPECT_EQ(many[0].data(), memory);
  EXPECT_TRUE(same_bits(p->run({random_array({5, 1}, 1)}, context), expected)) << "the context is usable again";
}

TEST(RunsAtOnce, AContextMayUseFewerThreads) {
  const Program p = program();
  const std::vector<HostArray> expected = p->run(arguments_of(300));
  for (int slots : {0, 1, 2, 100}) {
    RunContext context(slots);
    EXPECT_TRUE(same_bits(p->run(arguments_of(300), context), expected)) << slots;
  }
  EXPECT_TRUE(base::message_of([] { RunContext context(-1); }).starts_with("error[E0760]"));
}

TEST(RunsAtOnce, AFailedRunLeavesItsContextUsable) {
  const Program p = program();
  RunContext context;
  std::vector<HostArray> wrong = arguments_of(2);
  wrong[1] = random_array({31, 48}, 1);
  EXPECT_NE(base::message_of([&] { p->run(std::move(wrong), context); }), "no error");
  EXPECT_EQ(p->run(arguments_of(2), context)[0].elements(), 2);
}

}  // namespace
}  // namespace strata::compiler
