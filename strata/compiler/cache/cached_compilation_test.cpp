// Programs from the cache on disk are those that were compiled: the same plan, bits and messages; and what is wrong
// with a file is noticed.
#include "strata/compiler/cache/cached_compilation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/cache/program_key.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/plan/same_plan.h"
#include "strata/ops/list.h"
#include "strata/ops/testing/random_program.h"
#include "strata/runtime/machine_code/sources_hash.h"

namespace strata::compiler {
namespace {

using ir::HostArray;
using Program = std::shared_ptr<const runtime::Executable>;
using Graph = std::shared_ptr<const ir::Graph>;

/// A product with what is made of it, and a piece of x that needs B >= 3.
const char* const kSeveral = R"(func @several(%x: f32[B,8], %w: f32[8,8]) -> (f32[B], f32[3,8]) {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}  @ model.cpp:11
  %1 = tanh %0
  %2 = slice %x {start = [0, 0], limit = [3, 8], stride = [1, 1]}  @ model.cpp:12 head
  %3 = reduce_sum %1 {axes = [1]}
  return %3, %2
})";

/// The process has a cache of its own while the test runs.
class CachedCompilations : public testing::Test {
 protected:
  CachedCompilations() { setenv("STRATA_CACHE", folder_.path().c_str(), 1); }

  static Program found(const Graph& graph, const CompileOptions& options = {}) {
    return CachedCompilation(graph, options).find();
  }
  std::string file_of(const Graph& graph, const CompileOptions& options = {}) const {
    return ProgramCache().path_of(program_key(*graph, options, KernelLowering(options)).value());
  }
  static Program compiled_without(const Graph& graph, const CompileOptions& options = {}) {
    const NoDiskCache none;
    return compile(graph, options);
  }
  /// Compiles, and expects the cache to have the same program then.
  static Program expect_kept(const Graph& graph, const CompileOptions& options = {}) {
    EXPECT_FALSE(found(graph, options));
    const Program fresh = compile(graph, options);
    const Program again = found(graph, options);
    EXPECT_TRUE(again);
    if (again) {
      EXPECT_TRUE(ir::same_plan(fresh->plan(), again->plan()));
    }
    return again;
  }
  std::string path() const { return folder_.path(); }

 private:
  const NoDiskCache restores_the_environment_;
  const base::TempFolder folder_{"cached-compilation"};
};

/// With lines, which message_of() leaves out.
std::string what_happens(const Program& program, std::span<const HostArray> arguments,
                         std::vector<HostArray>& results) {
  try {
    results = program->run(copies_of(arguments));
    return "no error";
  } catch (const base::Error& error) {
    return error.text();
  }
}

/// The same bits, or the same error word for word.
void expect_same_runs(const Program& a, const Program& b, std::span<const HostArray> arguments) {
  std::vector<HostArray> of_a, of_b;
  EXPECT_EQ(what_happens(a, arguments, of_a), what_happens(b, arguments, of_b));
  EXPECT_EQ(first_difference(of_a, of_b).value_or(""), "");
}

TEST_F(CachedCompilations, GiveTheBitsAndTheMessagesOfTheProgramThatWasCompiled) {
  const Graph graph = parsed(kSeveral);
  const Program fresh = compiled_without(graph), again = expect_kept(graph);
  ASSERT_TRUE(again);
  for (const int64_t batch : {3, 5, 64, 2, 0}) {
    SCOPED_TRACE(batch);
    expect_same_runs(fresh, again, {{random_array({batch, 8}, 1), random_array({8, 8}, 2)}});
  }
  std::vector<HostArray> none;
  const std::string message = what_happens(again, {{random_array({2, 8}, 1), random_array({8, 8}, 2)}}, none);
  EXPECT_NE(message.find("recorded at model.cpp:12 head"), std::string::npos) << message;
  expect_same_runs(fresh, again, {{random_array({4, 8}, 1), random_array({8, 9}, 2)}});
  EXPECT_EQ(again->origin().recorded(), graph) << "nothing is parsed that is at hand";
}

TEST_F(CachedCompilations, OfRandomProgramsGiveTheirBits) {
  int kept = 0;
  constexpr int kPrograms = 60;
  for (uint64_t seed = 0; seed < kPrograms; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ops::RandomProgram program = ops::make_random_program(seed, ops::all_ops());
    const Program fresh = compile(program.graph), again = found(program.graph);
    if (!again) continue;
    ++kept;
    EXPECT_TRUE(ir::same_plan(fresh->plan(), again->plan()));
    expect_same_runs(fresh, again, program.arguments);
  }
  EXPECT_EQ(kept, kPrograms);
}

TEST_F(CachedCompilations, KeepDonationsLooksAndPreparedWeights) {
  const Graph graph = parsed(R"(func @step(%w: f32[40,40], %x: f32[B,40], %m: f32[40,40]) -> (f32[40,40], f32[B,40]) {
  %0 = dot %x, %w {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = log %m  @ optimiser.cpp:7
  return %1, %0
})");
  const CompileOptions options{.donations = {{0, 2}}, .finite = {{0, "moments[\"a b\"]"}}, .constants = {0}};
  const Program fresh = compiled_without(graph, options), again = expect_kept(graph, options);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->plan().donations.size(), fresh->plan().donations.size());
  EXPECT_EQ(again->prologue().size(), fresh->prologue().size());
  const HostArray w = random_array({40, 40}, 1), x = random_array({7, 40}, 2);
  expect_same_runs(fresh, again, {{w, x, HostArray(w.clone())}});  // log of what is below zero is refused by name
  HostArray positive(ir::DType::f32, {40, 40});
  for (int64_t i = 0; i < positive.elements(); ++i) positive.set(i, 1 + static_cast<double>(i));
  expect_same_runs(fresh, again, {{w, x, positive}});
}

TEST_F(CachedCompilations, OfLoopsHaveTheirRegions) {
  const Graph graph = parsed(R"(func @loop(%x: f32[B,6]) -> (f32[B,6]) {
  %n = constant {value = i64[] 3}
  %0, %1 = while %n, %x {constants = 0}
    func @test(%i: i64[], %a: f32[B,6]) -> bool[] {
      %2 = gt %i, 0
      return %2
    }
    func @body(%i: i64[], %a: f32[B,6]) -> (i64[], f32[B,6]) {
      %3 = sub %i, 1
      %4 = sort %a {axis = 1, descending = true}
      %5 = cumsum %4 {axis = 1, reverse = false}
      return %3, %5
    }
  return %1
})");
  const Program fresh = compiled_without(graph), again = expect_kept(graph);
  ASSERT_TRUE(again);
  for (const int64_t batch : {1, 5, 0}) expect_same_runs(fresh, again, {{random_array({batch, 6}, 3)}});
}

TEST_F(CachedCompilations, NamesThatAreNoWordsAreKept) {
  auto graph = std::make_shared<ir::Graph>("a step, \"quoted\"");
  const ir::Value x = graph->add_parameter(ir::Type::of(ir::DType::f32, {3}), "params[0].w");
  const ir::Value y = graph->add_parameter(ir::Type::of(ir::DType::f32, {3}));
  graph->set_results({graph->add1(*ops::op_table().find("add"), {x, y}), x});
  const Program again = expect_kept(graph);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->plan().name, "a step, \"quoted\"");
  EXPECT_EQ(again->plan().graph->parameter_name(0), "params[0].w");
  EXPECT_EQ(again->plan().graph->parameter_name(1), "");
}

TEST_F(CachedCompilations, WhatTheTextOfAPlanCannotSayIsNotKept) {
  auto graph = std::make_shared<ir::Graph>("step");
  const ir::LocationScope scope(*graph, {"model.cpp", 12, "a//b"});  // a comment in a text
  const ir::Value x = graph->add_parameter(ir::Type::of(ir::DType::f32, {3}));
  graph->set_results({graph->add1(*ops::op_table().find("exp"), {x})});
  EXPECT_TRUE(compile(graph));
  EXPECT_FALSE(found(graph));
}

TEST_F(CachedCompilations, OfOtherOptionsOrTargetsAreOthers) {
  const Graph graph = parsed(kSeveral);
  const Target& scalar = llvm_target_for(machine::kScalar);
  compile(graph, {.target = &scalar});
  EXPECT_TRUE(found(graph, {.target = &scalar}));
  EXPECT_EQ(found(graph, {.target = &scalar})->origin().isa, "scalar");
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets())
    if (cpu != machine::kScalar) {
      EXPECT_FALSE(found(graph, {.target = &llvm_target_for(cpu)})) << cpu.name;
    }
  EXPECT_FALSE(found(graph, {.target = &scalar, .disabled_passes = {"fuse"}}));
}

TEST_F(CachedCompilations, AreNoneWhereKernelsAreNoMachineCode) {
  const Graph graph = parsed(kSeveral);
  compile(graph, {.target = &target_by_name("null")});
  EXPECT_FALSE(base::is_file(file_of(graph, {.target = &target_by_name("null")})));
}

TEST_F(CachedCompilations, ADamagedFileIsCompiledAnewAndReplaced) {
  const Graph graph = parsed(kSeveral);
  compile(graph);
  const std::string file = file_of(graph), text = base::read_text(file).value();
  for (size_t at = 0; at < text.size(); at += at < 64 ? 5 : 131) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    base::write_file(file, damaged);
    EXPECT_FALSE(found(graph)) << at;
  }
  for (const size_t size : {size_t{0}, size_t{7}, size_t{36}, text.size() / 2, text.size() - 1}) {
    base::write_file(file, std::string_view(text).substr(0, size));
    EXPECT_FALSE(found(graph)) << size;
  }
  EXPECT_TRUE(compile(graph));
  EXPECT_EQ(base::read_text(file).value(), text);
  EXPECT_TRUE(found(graph));
}

TEST_F(CachedCompilations, AnotherProgramsFileIsNotTaken) {
  const Graph graph = parsed(kSeveral);
  compile(graph);
  base::write_file(file_of(graph, {.is_strict = true}), base::read_text(file_of(graph)).value());
  EXPECT_FALSE(found(graph, {.is_strict = true}));
}

/// Files with a right hash and a wrong content: of a build that hashes otherwise, or of our own making.
TEST_F(CachedCompilations, ContentThatCannotBeIsCompiledAnew) {
  const Graph graph = parsed(kSeveral);
  const Program fresh = compile(graph);
  const ProgramCache cache;
  const base::Hash128 key = program_key(*graph, {}, KernelLowering({})).value();
  const CachedProgram good = cache.read(key).value();
  const auto expect_not_found = [&](const CachedProgram& changed, const char* what) {
    cache.write(key, changed);
    EXPECT_FALSE(found(graph)) << what;
    EXPECT_TRUE(ir::same_plan(compile(graph)->plan(), fresh->plan())) << what;
    EXPECT_EQ(cache.read(key), good) << what << ": it was not replaced";
  };
  CachedProgram changed = good;
  const size_t build = changed.image.find(runtime::sources_hash());
  ASSERT_NE(build, std::string::npos);
  changed.image[build] ^= 1;
  expect_not_found(changed, "the image is damaged");
  changed = good;
  changed.kernels[0].identity.lo ^= 1;
  expect_not_found(changed, "a kernel that is nowhere");
  changed = good;
  changed.kernels.pop_back();
  expect_not_found(changed, "a kernel too few");
  changed = good;
  changed.image.clear();
  expect_not_found(changed, "no image");
}

/// A process that has a kernel in memory needs no file of it; one that is in neither is not found.
TEST_F(CachedCompilations, FindKernelsInMemoryWithoutTheirFiles) {
  const Graph graph = parsed(kSeveral);
  const Program first = compile(graph);
  const ProgramCache cache;
  CachedProgram program = cache.read(program_key(*graph, {}, KernelLowering({})).value()).value();
  for (const KnownKernel& k : program.kernels) std::filesystem::remove(KernelCache().path_of(k.identity));
  const KernelLowering lowering({});
  EXPECT_TRUE(KernelMaker(lowering).find(program.kernels));
  EXPECT_TRUE(found(graph));
  program.kernels[0].identity.hi ^= 1;
  EXPECT_FALSE(KernelMaker(lowering).find(program.kernels));
}

TEST_F(CachedCompilations, AFolderThatCannotBeWrittenIsNoError) {
  setenv("STRATA_CACHE", "/proc/no-such-folder", 1);
  const Graph graph = parsed(kSeveral);
  EXPECT_TRUE(compile(graph));
  EXPECT_FALSE(found(graph));
}

TEST_F(CachedCompilations, PassesAreDumpedAllTheSame) {
  const Graph graph = parsed(kSeveral);
  expect_kept(graph);
  setenv("STRATA_DUMP_PASSES", (path() + "/dumps").c_str(), 1);
  compile(graph);
  unsetenv("STRATA_DUMP_PASSES");
  EXPECT_EQ(base::list_folder(path() + "/dumps").value().size(), 1u);
}

TEST_F(CachedCompilations, WrittenByManyAtOnceAreWhole) {
  const Graph graph = parsed(kSeveral);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 8; ++round) {
        std::error_code ignored;
        if (round % 2 == 1) std::filesystem::remove(file_of(graph), ignored);
        EXPECT_EQ(compile(graph)->plan().name, "several");
      }
    });
  for (std::thread& t : threads) t.join();
  compile(graph);
  EXPECT_TRUE(found(graph));
  const std::string file = file_of(graph);
  EXPECT_EQ(base::list_folder(file.substr(0, file.rfind('/'))).value().size(), 1u) << "no temporary file is left";
}

CachedProgram program_of(size_t bytes) { return {{{.identity = {1, 2}, .name = "k"}}, std::string(bytes, 'x')}; }

TEST(ProgramCache, KeepsWhatWasReadLast) {
  const base::TempFolder folder;
  const ProgramCache cache(folder.path(), {.bytes = 100'000, .files = 3});
  const auto set_age = [&](base::Hash128 key, int hours) {
    std::filesystem::last_write_time(cache.path_of(key),
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  for (uint64_t i = 1; i <= 5; ++i) {
    cache.write({i, 0}, program_of(10));
    set_age({i, 0}, static_cast<int>(10 - i));
  }
  EXPECT_EQ(cache.read({1, 0}), program_of(10)) << "which makes it the latest";
  cache.trim();
  for (uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(cache.read({i, 0}).has_value(), i == 1 || i >= 4) << i;
}

TEST(ProgramCache, KeepsSoManyBytes) {
  const base::TempFolder folder;
  const ProgramCache cache(folder.path(), {.bytes = 100'000, .files = 100});
  for (uint64_t i = 0; i < 40; ++i) cache.write({16 * i, 0}, program_of(10'000));  // each one trims
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.path()))
    if (file.is_regular_file()) bytes += file.file_size();
  EXPECT_LE(bytes, 100'000u);
  EXPECT_GE(bytes, 80'000u);
  cache.write({1, 0}, program_of(20'000));
  EXPECT_FALSE(cache.read({1, 0})) << "it would push out too many others";
}

TEST(ProgramCache, WithoutAFolderHasNothing) {
  const ProgramCache cache("");
  cache.write({1, 2}, program_of(10));
  EXPECT_FALSE(cache.read({1, 2}));
}

}  // namespace
}  // namespace strata::compiler
