// Gradients in one walk (ops/composites/attention_one_walk.h) have the bits of the two walks that they mean. Heads know
// nothing of each other, and few of them take two walks: eight at once and four by four have to be the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/backends.h"
#include "strata/ir/graph/interpret.h"
#include "strata/machine/cpu_target.h"
#include "tests/attention/attention_program.h"

namespace strata {
namespace {

using namespace attention_test;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const auto& [queries, keys] :
       {std::pair<int64_t, int64_t>{128, 128}, {131, 65}, {65, 131}, {67, 67}, {200, 171}})
    for (const bool is_causal : {true, false})
      list.push_back({.queries = queries, .keys = keys, .depth = 32, .options = {.is_causal = is_causal}});
  list.push_back(
      {.queries = 97, .keys = 97, .depth = 16, .options = {.is_causal = true, .window = 21, .key_block = 16}});
  list.push_back({.queries = 70, .keys = 90, .depth = 16, .options = {.window = 9, .key_block = 32}});
  list.push_back({.queries = 80, .keys = 80, .depth = 48, .options = {.is_causal = true, .soft_cap = 2}});
  list.push_back({.queries = 80, .keys = 80, .depth = 16, .options = {.is_causal = true}, .has_sinks = true});
  list.push_back({.queries = 70, .keys = 70, .depth = 16, .options = {.is_causal = true}, .dtype = DType::f64});
  for (Case& c : list) c.heads = 8, c.key_heads = 8;
  list.push_back({.heads = 8, .key_heads = 2, .queries = 70, .keys = 70, .depth = 16});
  return list;
}

/// Heads first... of an argument or result whose axis `axis` they are.
HostArray heads_of(const HostArray& x, int axis, int64_t first, int64_t count) {
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
  int64_t inner = 1;
  for (size_t a = static_cast<size_t>(axis) + 1; a < dims.size(); ++a) inner *= dims[a];
  dims[static_cast<size_t>(axis)] = count;
  HostArray part(x.dtype(), dims);
  for (int64_t i = 0; i < part.elements(); ++i) part.set(i, x.get(first * inner + i));
  return part;
}
int axis_of_heads(const HostArray& x) { return x.shape().size() == 1 ? 0 : 1; }

/// What heads 4 by 4 make of the arguments.
void expect_bits_of_halves(const Case& c, const Program& whole, const std::vector<HostArray>& found) {
  for (int64_t half = 0; half < 2; ++half) {
    Case own = c;
    own.heads = c.heads / 2, own.key_heads = c.key_heads / 2;
    Program p(own);
    p.add_gradients();
    for (size_t i = 0; i < p.arguments.size(); ++i) {
      const int axis = axis_of_heads(whole.arguments[i]);
      const int64_t count = p.arguments[i].shape()[static_cast<size_t>(axis)];
      p.arguments[i] = heads_of(whole.arguments[i], axis, half * count, count);
    }
    const auto expected = run(p);
    std::vector<HostArray> parts;
    for (size_t r = 0; r < found.size(); ++r) {
      const int axis = axis_of_heads(found[r]);
      const int64_t count = expected[r].shape()[static_cast<size_t>(axis)];
      parts.push_back(heads_of(found[r], axis, half * count, count));
    }
    expect_same_bits(parts, expected, c.str());
  }
}

TEST(OneWalk, HasTheBitsOfTwoWalks) {
  for (const Case& c : cases()) {
    Program p(c);
    p.add_gradients();
    expect_bits_of_halves(c, p, run(p));
  }
}

/// A step moves two blocks of keys in and their two gradients out; all between is one kernel.
TEST(OneWalk, IsALoopOverOneKernelBesideFourMovesOfABlock) {
  Program p({.heads = 8, .key_heads = 8, .queries = 128, .keys = 128, .depth = 32});
  p.add_gradients();
  const auto program = compiler::compile(p.graph);
  int kernels = 0;
  for (const auto& step : program->plan().regions)
    kernels += static_cast<int>(std::ranges::count(step->commands, ir::CommandKind::Kernel, &ir::PlanCommand::kind));
  EXPECT_EQ(kernels, 1 + 4);
}

TEST(OneWalk, HasTheSameBitsOnEveryInstructionSetByAnyScheduleAndForAnyThreads) {
  base::ThreadPool& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  for (const Case& c : cases()) {
    if (c.queries > 131) continue;
    Program p(c);
    p.add_gradients();
    const auto first = run(p);
    for (const machine::CpuTarget& cpu : machine::host_cpu_targets())
      expect_same_bits(first, run(p, {.target = &compiler::llvm_target_for(cpu)}),
                       fmt::format("{}, {}", c.str(), cpu.name));
    for (const uint64_t variation : {1, 2, 3})
      expect_same_bits(first, run(p, {.schedule_variation = variation}), c.str());
    expect_same_bits(first, run(p, {.disabled_passes = {"lane-loops"}}), c.str() + ", step by step");
    for (const int threads : {1, 3}) {
      pool.set_thread_count(threads);
      expect_same_bits(first, run(p), c.str() + ", threads");
    }
    pool.set_thread_count(before);
  }
}

TEST(OneWalk, WhatIsMaskedContributesNothing) {
  for (const bool has_window : {false, true}) {
    Case c{.heads = 8, .key_heads = 8, .queries = 97, .keys = 97, .depth = 16, .options = {.is_causal = true}};
    if (has_window) c.options.window = 20;
    Program p(c);
    p.add_gradients();
    const auto finite = run(p);
    constexpr int64_t kPoisoned = 90;  // seen by the queries from it on
    for (const size_t of : {size_t{1}, size_t{2}})
      for (int64_t head = 0; head < c.heads; ++head)
        for (int64_t e = 0; e < c.depth; ++e) p.arguments[of].set((head * c.keys + kPoisoned) * c.depth + e, kNaN);
    const auto found = run(p);
    for (size_t r = 0; r < 2; ++r)  // what keys see depends on the last queries
      for (int64_t i = 0; i < found[r].elements(); ++i)
        if (i / c.depth % c.queries < kPoisoned) {
          ASSERT_EQ(found[r].get(i), finite[r].get(i)) << "result " << r << ", element " << i;
        }
    expect_bits_of_halves(c, p, found);
    const auto interpreted = ir::interpret(*p.graph, p.arguments);
    for (size_t r = 0; r < found.size(); ++r)
      for (int64_t i = 0; i < found[r].elements(); ++i)
        ASSERT_EQ(std::isnan(found[r].get(i)), std::isnan(interpreted[r].get(i))) << "result " << r << ", " << i;
  }
}

TEST(OneWalk, SecondDerivativesAreThoseOfTwoWalks) {
  Case c{.heads = 8,
         .key_heads = 8,
         .queries = 32,
         .keys = 32,
         .depth = 16,
         .options = {.is_causal = true, .key_block = 16}};
  Program p(c);
  add_second_order(p);
  const auto found = run(p), expected = ir::interpret(*p.graph, p.arguments);
  for (size_t r = 0; r < found.size(); ++r)
    for (int64_t i = 0; i < found[r].elements(); ++i)
      ASSERT_NEAR(found[r].get(i), expected[r].get(i), 1e-3 * (1 + std::fabs(expected[r].get(i)))) << "result " << r;
}

}  // namespace
}  // namespace strata
