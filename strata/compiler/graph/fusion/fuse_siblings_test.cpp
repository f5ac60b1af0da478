// Kernels of elements that go through the same arrays: joined they give the bits of one kernel each, hold no more
// memory, and are written in place; and what must not be joined.
#include "strata/compiler/graph/fusion/fuse_siblings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"

namespace strata::compiler {
namespace {

using ir::Graph;
using ir::HostArray;

CompileOptions apart() { return {.disabled_passes = {"fuse-siblings"}}; }

size_t commands_of(const std::shared_ptr<Graph>& graph, const CompileOptions& options = {}) {
  return compile(graph, options)->plan().commands.size();
}

/// Random numbers with the special ones among them.
HostArray numbers(std::vector<int64_t> shape, uint32_t seed) {
  HostArray a = random_array(std::move(shape), seed);
  const double special[] = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(), -0.0, 0.0};
  for (int64_t i = seed % 3; i < a.elements(); i += 7) a.set(i, special[(i + seed) % std::size(special)]);
  return a;
}

/// An update with two moments, as Adam's.
std::string adam(const std::string& shape) {
  return fmt::format(
      R"(func @main(%g: f32[{0}], %m: f32[{0}], %v: f32[{0}], %p: f32[{0}], %rate: f32[]) -> (f32[{0}], f32[{0}], f32[{0}]) {{
  %0 = sub %g, %m
  %1 = mul %0, 0.1
  %2 = add %m, %1
  %3 = mul %v, 0.999
  %4 = mul %g, %g
  %5 = mul %4, 0.001
  %6 = add %3, %5
  %7 = sqrt %6
  %8 = add %7, 1e-8
  %9 = div %2, %8
  %10 = broadcast %rate {{shape = [{0}], axes = []}}
  %11 = mul %9, %10
  %12 = sub %p, %11
  return %2, %6, %12
}})",
      shape);
}

std::vector<HostArray> arguments_of(const Graph& graph, uint32_t seed) {
  std::vector<HostArray> arguments;
  for (const ir::Node* p : graph.parameters()) {
    std::vector<int64_t> shape;
    for (const ir::Dim d : p->type().shape()) shape.push_back(d.is_constant() ? d.constant() : 37);
    arguments.push_back(numbers(shape, seed + static_cast<uint32_t>(arguments.size())));
  }
  return arguments;
}

/// Against the interpreter; and against one kernel each, other schedules, other instruction sets and one thread: the
/// same bits.
void expect_same(const std::shared_ptr<Graph>& graph, const std::vector<HostArray>& arguments,
                 const std::string& what) {
  EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt) << what;
  const auto joined = run_natively(graph, arguments);
  const auto expect = [&](const std::vector<HostArray>& other, const std::string& how) {
    const auto off = first_element_off(joined, other);
    EXPECT_FALSE(off) << what << ", " << how << ": " << (off ? off->text() : "");
  };
  expect(run_natively(graph, arguments, apart()), "one kernel each");
  expect(run_natively(graph, arguments, {.schedule_variation = 1 + arguments.size() % 3}), "another schedule");
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets())
    expect(run_natively(graph, arguments, {.target = &llvm_target_for(cpu)}), std::string(cpu.name));
  auto& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  for (const int threads : {1, 2}) {
    pool.set_thread_count(threads);
    expect(run_natively(graph, arguments), fmt::format("{} threads", threads));
  }
  pool.set_thread_count(before);
}

TEST(Siblings, AnUpdateIsOneKernelWithTheBitsOfTwo) {
  for (const char* shape : {"0", "1", "3", "5,7", "31", "1031", "64,300", "B", "B,9"}) {
    const auto graph = parsed(adam(shape));
    expect_same(graph, arguments_of(*graph, 1), shape);
  }
  EXPECT_EQ(commands_of(parsed(adam("31"))), 1u);
  EXPECT_EQ(commands_of(parsed(adam("31")), apart()), 2u);
}

TEST(Siblings, AnUpdateIsWrittenWhereItWasAndTakesNoMemory) {
  const auto graph = parsed(adam("50,20"));
  const std::vector<ir::Donation> donations{{0, 1}, {1, 2}, {2, 3}};
  const auto program = compile(graph, {.donations = donations});
  ASSERT_EQ(program->plan().commands.size(), 1u);
  EXPECT_EQ(program->plan().donations.size(), 3u);
  EXPECT_TRUE(program->plan().commands[0].copied_because.empty());
  EXPECT_EQ(program->memory_use(ir::DimBinding()).arena_bytes, 0);
  const auto arguments = arguments_of(*graph, 5);
  const auto expected = run_natively(graph, arguments, apart());
  std::vector<HostArray> given;
  for (const HostArray& a : arguments) {
    given.emplace_back(a.dtype(), a.shape());
    for (int64_t i = 0; i < a.elements(); ++i) given.back().set(i, a.get(i));
  }
  const std::byte* const places[] = {given[1].data(), given[2].data(), given[3].data()};
  const auto found = program->run(std::move(given));
  EXPECT_FALSE(first_element_off(expected, found));
  for (size_t r = 0; r < found.size(); ++r) EXPECT_EQ(found[r].data(), places[r]) << r;
}

TEST(Siblings, ThreeResultsOfOneValueAreOneKernel) {
  const auto graph = parsed(R"(func @main(%x: f32[37]) -> (f32[37], f32[37], f32[37]) {
  %0 = neg %x
  %1 = exp %x
  %2 = mul %x, %x
  return %0, %1, %2
})");
  EXPECT_EQ(commands_of(graph), 1u);
  expect_same(graph, arguments_of(*graph, 3), "three results");
}

TEST(Siblings, KernelsHaveAsManyResultsAndPolynomialsAsTheyMay) {
  std::string body, results, types;
  const auto add = [&](const std::string& made) {
    const std::string name = "%" + std::to_string(std::ranges::count(body, '\n'));
    body += fmt::format("  {} = {}\n", name, made);
    results += (results.empty() ? "" : ", ") + name;
    types += types.empty() ? "f32[9]" : ", f32[9]";
  };
  const auto program = [&] {
    return parsed(fmt::format("func @main(%x: f32[9]) -> ({}) {{\n{}  return {}\n}}", types, body, results));
  };
  for (int i = 0; i < 30; ++i) add(fmt::format("mul %x, {}.5", i));
  const auto graph = program();
  const auto compiled = compile(graph);
  EXPECT_LE(compiled->plan().commands.size(), 4u);
  for (const auto& command : compiled->plan().commands) EXPECT_LE(command.writes.size(), 12u);
  expect_same(graph, arguments_of(*graph, 3), "thirty results");
  body = results = types = "";
  for (const char* op : {"exp", "tanh", "log", "sin", "cos", "erf", "sqrt", "log1p"}) add(std::string(op) + " %x");
  EXPECT_EQ(commands_of(program()), 2u) << "six polynomials at most";
}

/// A program of elements over a few arrays: what a step reads is an array or an earlier step, and some are results.
std::string random_elements(std::mt19937& random) {
  const auto pick = [&](size_t n) { return random() % n; };
  const std::string shape = std::to_string(1 + pick(40)) + (pick(2) ? "," + std::to_string(1 + pick(9)) : "");
  const size_t arrays = 2 + pick(4), steps = 3 + pick(14);
  std::vector<std::string> values;
  std::string text = "func @main(", body, results, types;
  for (size_t i = 0; i < arrays; ++i) {
    values.push_back(fmt::format("%a{}", i));
    text += fmt::format("{}{}: f32[{}]", i ? ", " : "", values.back(), shape);
  }
  constexpr const char* kBinary[] = {"add", "sub", "mul", "div", "maximum", "minimum"};
  constexpr const char* kUnary[] = {"neg", "abs", "exp", "tanh", "sqrt", "floor"};
  for (size_t i = 0; i < steps; ++i) {
    const std::string a = values[pick(values.size())], b = values[pick(values.size())];
    body += pick(3) ? fmt::format("  %{} = {} {}, {}\n", i, kBinary[pick(6)], a, b)
                    : fmt::format("  %{} = {} {}\n", i, kUnary[pick(6)], a);
    values.push_back(fmt::format("%{}", i));
    if (pick(2) && i + 1 < steps) continue;
    results += (results.empty() ? "" : ", ") + values.back();
    types += fmt::format("{}f32[{}]", types.empty() ? "" : ", ", shape);
  }
  return text + ") -> (" + types + ") {\n" + body + "  return " + results + "\n}";
}

TEST(Siblings, RandomProgramsKeepTheirBitsAndTakeNoMoreMemory) {
  std::mt19937 random(9);
  int fewer = 0;
  for (uint32_t trial = 0; trial < 40; ++trial) {
    const std::string text = random_elements(random);
    const auto graph = parsed(text);
    const auto arguments = arguments_of(*graph, trial);
    expect_same(graph, arguments, text);
    const auto joined = compile(graph), alone = compile(graph, apart());
    fewer += joined->plan().commands.size() < alone->plan().commands.size();
    std::vector<std::vector<int64_t>> shapes;
    for (const HostArray& a : arguments) shapes.push_back(a.shape());
    EXPECT_LE(joined->memory_use(shapes).arena_bytes, alone->memory_use(shapes).arena_bytes) << text;
  }
  EXPECT_GE(fewer, 5) << "programs with siblings";
}

TEST(Siblings, WhatAnUpdateWritesOverIsReadBeforeIt) {
  // `neg %x` reads what the update takes over; it must not wait for what comes behind.
  const auto graph = parsed(R"(func @main(%x: f32[6,4], %r: f32[1,4]) -> (f32[6,4], f32[6,4], f32[6,4]) {
  %0 = neg %x
  %1 = constant {value = i64[] 2}
  %2 = constant {value = i64[] 0}
  %3 = dynamic_update_slice %x, %r, %1, %2 {in_place = false}
  %4 = abs %x
  return %0, %3, %4
})");
  const auto arguments = arguments_of(*graph, 2);
  const auto program = compile(graph, {.donations = {{1, 0}}});
  for (const auto& command : program->plan().commands)
    EXPECT_TRUE(command.copied_because.empty()) << command.copied_because;
  EXPECT_EQ(find_native_difference(graph, arguments, {.donations = {{1, 0}}}), std::nullopt);
}

}  // namespace
}  // namespace strata::compiler
