// Programs from graph to result: fusion, donation, memory in place, symbolic dimensions, the cache, and what goes
// wrong.
#include "strata/compiler/compile.h"
#include "strata/compiler/backends/backends.h"

#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/compiler/cache/kernel_cache.h"
#include "strata/compiler/explain.h"
#include "strata/compiler/strict.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"
#include "strata/ops/testing/random_program.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

HostArray ramp(std::vector<int64_t> shape, double start = 0.5) {
  HostArray a(DType::f32, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, start + 0.25 * static_cast<double>(i % 17));
  return a;
}

void expect_close(const HostArray& a, const HostArray& b) {
  ASSERT_EQ(a.shape(), b.shape());
  for (int64_t i = 0; i < a.elements(); ++i) EXPECT_NEAR(a.get(i), b.get(i), 1e-4 * (1 + std::fabs(b.get(i)))) << i;
}

void expect_as_interpreted(const std::shared_ptr<Graph>& graph, std::vector<HostArray> arguments) {
  const std::vector<HostArray> expected = ir::interpret(*graph, arguments);
  const std::vector<HostArray> found = compile(graph)->run(std::move(arguments));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) expect_close(found[i], expected[i]);
}

size_t kernels_of(const std::shared_ptr<Graph>& graph) { return compile(graph)->plan().commands.size(); }

TEST(Compile, AChainOfPointwiseOpsIsOneKernel) {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 7}));
  graph->set_results({ops::exp(x * 0.5) + x});
  EXPECT_EQ(kernels_of(graph), 1u);
  for (int64_t rows : {0, 1, 5, 33}) expect_as_interpreted(graph, {ramp({rows, 7})});
}

TEST(Compile, AnEpilogueJoinsItsContraction) {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 13})),
              w = graph->add_parameter(Type::of(DType::f32, {13, 5}));
  const Value bias = graph->add_parameter(Type::of(DType::f32, {5}));
  graph->set_results({ops::maximum(ops::matmul(x, w) + bias, 0.0)});
  EXPECT_EQ(kernels_of(graph), 1u);
  for (int64_t rows : {1, 6, 17}) expect_as_interpreted(graph, {ramp({rows, 13}), ramp({13, 5}, -2), ramp({5})});
}

TEST(Compile, AValueThatIsBothResultAndOperandIsStoredOnce) {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {19}));
  const Value y = ops::tanh(x);
  graph->set_results({y, y * y, ops::sum(y)});
  expect_as_interpreted(graph, {ramp({19})});
}

TEST(Compile, ResultsThatAreArgumentsOrEqualAreCopies) {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {3}));
  const Value y = x + 1.0;
  graph->set_results({x, y, y, ops::reshape(y, {1, 3})});
  const HostArray input = ramp({3});
  const std::vector<HostArray> found = compile(graph)->run({input});
  EXPECT_NE(found[0].data(), input.data());
  EXPECT_NE(found[1].data(), found[2].data());
  EXPECT_TRUE(found[0].same_bits(input));
  EXPECT_TRUE(found[3].reshaped({3}).same_bits(found[1]));
}

TEST(Compile, ADonatedArgumentsMemoryBecomesTheResults) {
  auto graph = std::make_shared<Graph>();
  const Value w = graph->add_parameter(Type::of(DType::f32, {100})),
              g = graph->add_parameter(Type::of(DType::f32, {100}));
  graph->set_results({w - g * 0.1});
  const auto program = compile(graph, {.donations = {{0, 0}}});
  std::vector<HostArray> arguments = {ramp({100}).clone(), ramp({100})};
  const std::byte* memory = arguments[0].data();
  const HostArray expected = ir::interpret(*graph, arguments)[0];
  const std::vector<HostArray> found = program->run(std::move(arguments));
  EXPECT_EQ(found[0].data(), memory);
  expect_close(found[0], expected);

  const HostArray shared = ramp({100});  // somebody else still holds it: it must not change
  const HostArray before = shared.clone();
  const std::vector<HostArray> again = program->run({shared, ramp({100})});
  EXPECT_NE(again[0].data(), shared.data());
  EXPECT_TRUE(shared.same_bits(before));
}

TEST(Compile, ADonationThatIsReadLaterIsStillRight) {
  auto graph = std::make_shared<Graph>();
  const Value a = graph->add_parameter(Type::of(DType::f32, {8})), b = graph->add_parameter(Type::of(DType::f32, {8}));
  graph->set_results({ops::reverse(a, {0}) + b, ops::reverse(b, {0}) - a});  // each reads both, at other indices
  const std::vector<HostArray> expected = ir::interpret(*graph, std::vector<HostArray>{ramp({8}), ramp({8}, 3)});
  const std::vector<HostArray> found = compile(graph, {.donations = {{0, 0}, {1, 1}}})->run({ramp({8}), ramp({8}, 3)});
  expect_close(found[0], expected[0]);
  expect_close(found[1], expected[1]);
}

TEST(Compile, AnOptimisersStateAndParameterAreBothWrittenInPlace) {
  auto graph = std::make_shared<Graph>();
  const Type type = Type::of(DType::f32, {40});
  const Value p = graph->add_parameter(type), m = graph->add_parameter(type), g = graph->add_parameter(type);
  const Value moment = m * 0.9 + g;
  graph->set_results({p - moment * 0.1, moment});
  const auto program = compile(graph, {.donations = {{0, 0}, {1, 1}}});
  EXPECT_EQ(program->plan().commands.size(), 1u) << "one kernel, and no copy";
  const std::vector<HostArray> expected = ir::interpret(*graph, {{ramp({40}), ramp({40}, 2), ramp({40}, 3)}});
  const std::vector<HostArray> found = program->run({ramp({40}), ramp({40}, 2), ramp({40}, 3)});
  for (size_t i = 0; i < 2; ++i) expect_close(found[i], expected[i]);
}

TEST(Compile, AResultThatNobodyReadsLeavesItsOperandsMemoryToTheOthers) {
  const std::shared_ptr<Graph> graph = ir::parse_graph(R"(func @f(%x: f32[40]) -> f32[40] {
  %0 = sort %x {axis = 0, descending = false}
  %1, %2 = fusion %0
    func @fusion(%p: f32[40]) -> (f32[40], f32[40]) {
      %3 = exp %p
      %4 = mul %p, %3
      return %3, %4
    }
  %5 = sort %2 {axis = 0, descending = true}
  return %5
})",
                                                       ops::op_table())
                                           .value();
  const HostArray x = ramp({40});
  expect_close(compile(graph)->run({x})[0], ir::interpret(*graph, {{x}})[0]);
}

TEST(Compile, TheArenaStaysWithinATenthOfTheLargestLiveSum) {
  auto graph = std::make_shared<Graph>();
  Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 32}));
  const Value w = graph->add_parameter(Type::of(DType::f32, {32, 32}));
  for (int i = 0; i < 6; ++i) x = ops::tanh(ops::matmul(x, w));
  graph->set_results({ops::sum(x)});
  const auto program = compile(graph);
  for (int64_t rows : {1, 64, 1000}) {
    const runtime::MemoryUse memory = program->memory_use({{{rows, 32}, {32, 32}}});
    EXPECT_LE(memory.arena_bytes * 10, memory.largest_live_bytes * 11) << rows;
  }
}

TEST(Compile, WrongArgumentsAreRefusedWithBothTypes) {
  auto graph = std::make_shared<Graph>("step");
  const Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 4}));
  graph->set_results({x * x});
  const auto program = compile(graph);
  for (HostArray wrong : {ramp({3, 5}), ramp({3}), HostArray(DType::f64, {3, 4})}) try {
      program->run({wrong});
      ADD_FAILURE();
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), "E0110");
      EXPECT_NE(error.text().find("f32[B,4]"), std::string::npos) << error.text();
    }
  EXPECT_THROW(program->run({}), base::Error);
  EXPECT_THROW(program->memory_use(std::vector<std::vector<int64_t>>()), base::Error);
}

TEST(Compile, EveryTargetThatTheHostRunsGivesTheSameBits) {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {37, 29})),
              w = graph->add_parameter(Type::of(DType::f32, {29, 11}));
  const Value h = ops::tanh(ops::matmul(x, w));
  graph->set_results({h, ops::sum(h, {1}), ops::sum(h, {0}), ops::mean(ops::exp(h))});
  std::vector<HostArray> first;
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    const std::vector<HostArray> found =
        compile(graph, {.target = &llvm_target_for(cpu)})->run({ramp({37, 29}, -1.5), ramp({29, 11}, -0.8)});
    if (first.empty()) first = found;
    for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i].same_bits(first[i])) << cpu.name << " result " << i;
  }
}

/// A sort: its loops branch on data, which no schedule understands.
std::shared_ptr<Graph> sorting_program() {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {9}));
  graph->set_results({ops::sort(x, 0)});
  return graph;
}

TEST(Strict, AKernelThatTheScheduleLeavesAsWrittenIsAnErrorWithItsReason) {
  const std::string head = "kernel @f(%x: f32[8]) -> (%y: f32[8]) { parallel i in 0..8 { ", tail = " } }";
  const auto kernel = [&](const std::string& body) { return ir::loops::parse_kernel(head + body + tail).value(); };
  const Target& target = llvm_target_for(machine::kAvx2);
  EXPECT_NO_THROW(require_schedule(kernel("%y[i] = neg(%x[i])"), target, {}, "here"));
  try {
    require_schedule(kernel("var s: f32 = %x[i] while gt(s, 1.0) { s = s * 0.5 } %y[i] = s"), target, {}, "mlp.cpp:7");
    FAIL();
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0315");
    EXPECT_NE(e.text().find("kernel f is left as written: it branches on data"), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("recorded at mlp.cpp:7"), std::string::npos) << e.text();
  }
}

TEST(Strict, OpsThatWriteTheirOwnLoopsAreMeantAsTheyAre) {
  EXPECT_NO_THROW(compile(sorting_program(), {.is_strict = true}));
}

TEST(Strict, SchedulesLeaveNoKernelOfRandomProgramsAsWritten) {
  setenv("STRATA_STRICT", "1", 1);
  for (uint64_t seed = 900; seed < 920; ++seed)
    EXPECT_NO_THROW(compile(ops::make_random_program(seed, ops::all_ops()).graph));
  unsetenv("STRATA_STRICT");
}

TEST(Explain, NamesKernelsAsThePlanDoes) {
  const auto graph = sorting_program();
  const machine::CpuTarget cpu = machine::chosen_cpu_target();
  const auto kernels = explain(*graph, {.target = &llvm_target_for(cpu)}).kernels;
  const std::vector<std::string> names = compile(graph)->plan().kernels;
  ASSERT_EQ(kernels.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(kernels[i].name, names[i]);
  if (cpu != machine::kScalar) {
    EXPECT_NE(explain(*graph, {.target = &llvm_target_for(machine::kScalar)}).kernels[0].name, names[0]);
  }
}

TEST(KernelCache, ADamagedFileIsAsGoodAsAbsent) {
  const base::TempFolder folder;
  const KernelCache cache(folder.path());
  const base::Hash128 key{1, 2};
  const CachedKernel kernel{Object(100, std::byte{42}), "it branches on data", "no loop k"};
  EXPECT_FALSE(cache.read(key));
  cache.write(key, kernel);
  EXPECT_EQ(cache.read(key), kernel);
  const std::string path = cache.path_of(key), text = base::read_text(path).value();
  base::write_file(path, std::string_view(text).substr(0, text.size() - 1));
  EXPECT_FALSE(cache.read(key)) << "truncated";
  std::string changed = text;
  changed.back() ^= 1;
  base::write_file(path, std::string_view(changed));
  EXPECT_FALSE(cache.read(key)) << "one bit changed";
  cache.write({3, 4}, kernel);
  base::write_file(cache.path_of({3, 4}), std::string_view(text));
  EXPECT_FALSE(cache.read({3, 4})) << "of another key";
  cache.write(key, kernel);
  EXPECT_EQ(cache.read(key), kernel);
}

TEST(KernelCache, KeepsTheObjectsOfTheLatestBuildsOnly) {
  const base::TempFolder folder;
  const std::string kernels = folder.path() + "/kernels/";
  for (size_t i = 0; i < kBuildsInCache + 3; ++i) base::make_folders(kernels + "build" + std::to_string(i));
  const KernelCache cache(folder.path());
  cache.write({1, 2}, {Object(3), "", ""});
  EXPECT_EQ(base::list_folder(kernels).value().size(), kBuildsInCache);
  EXPECT_TRUE(cache.read({1, 2}));
}

TEST(KernelCache, AFolderThatCannotBeWrittenIsNoError) {
  const KernelCache cache("/proc/no-such-folder");
  cache.write({1, 1}, {Object(3), "", ""});
  EXPECT_FALSE(cache.read({1, 1}));
}

}  // namespace
}  // namespace strata::compiler
