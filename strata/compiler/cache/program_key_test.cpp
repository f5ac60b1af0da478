// The key under which the cache keeps a program: all that the program depends on counts, and nothing else.
#include "strata/compiler/cache/program_key.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "strata/compiler/backends/backends.h"
#include "strata/compiler/loop/schedule_database.h"
#include "strata/compiler/program_kernels.h"
#include "strata/compiler/testing/programs.h"

namespace strata::compiler {
namespace {

/// A chain with a constant, a region and a dead node.
constexpr std::string_view kProgram = R"(func @step(%x: f32[B,8], %w: f32[8]) -> (f32[B], f32[B,8]) where B >= 2 {
  %0 = constant {value = f32[8] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]} : f32[8]
  %1 = broadcast %0 {shape = [B, 8], axes = [1]} : f32[B,8]  @ model.cpp:3 first
  %2 = mul %x, %1 : f32[B,8]  @ model.cpp:4 first
  %3 = broadcast %w {shape = [B, 8], axes = [1]} : f32[B,8]
  %4 = mul %x, %3 : f32[B,8]
  %5 = exp %4 : f32[B,8]
  %6 = reduce_sum %2 {axes = [1]} : f32[B]
  %7 = call %2
    func @inner(%p: f32[B,8]) -> f32[B,8] {
      %8 = tanh %p : f32[B,8]
      return %8
    }
  return %6, %7
})";

base::Hash128 key(const ir::Graph& graph, const CompileOptions& options = {}) {
  return program_key(graph, options, KernelLowering(options)).value();
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kProgram);
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

/// What has the key already, by key.
class Keys {
 public:
  void add(base::Hash128 key, const std::string& what) {
    const auto [at, is_new] = seen_.emplace(key, what);
    EXPECT_TRUE(is_new) << what << " has the key of " << at->second;
  }

 private:
  std::map<base::Hash128, std::string> seen_;
};

TEST(ProgramKey, IsTheSameForTheSameProgramRecordedAgain) {
  const auto first = parsed(kProgram), second = parsed(kProgram);
  EXPECT_EQ(key(*first), key(*second));
  EXPECT_EQ(key(*first, {.donations = {{1, 0}}}), key(*second, {.donations = {{1, 0}}}));
}

TEST(ProgramKey, HasAllOfTheGraph) {
  Keys keys;
  keys.add(key(*parsed(kProgram)), "the program");
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"8.0]", "8.5]"},                                    // an element of a constant
      {"reduce_sum %2", "reduce_max %2"},                  // an op
      {"reduce_sum %2", "reduce_sum %4"},                  // an operand
      {"%2 = mul %x, %1", "%2 = mul %1, %x"},              // the order of operands
      {"@step", "@step2"},                                 // names
      {"where B >= 2", "where B >= 3"},                    // a fact
      {"where B >= 2", "where B >= 2, B % 2 == 0"},        // another
      {"model.cpp:4 first", "model.cpp:5 first"},          // a line
      {"model.cpp:4 first", "other.cpp:4 first"},          // a file
      {"model.cpp:4 first", "model.cpp:4 second"},         // a path of names
      {"  %5 = exp %4 : f32[B,8]\n", ""},                  // a node that nobody needs
      {"exp %4", "log %4"},                                // the same
      {"tanh %p", "sin %p"},                               // an op of a region
      {"tanh %p : f32[B,8]", "tanh %p : f32[B,8] @ a:1"},  // a position in a region
      {"@inner", "@other"},                                // the name of a region
  };
  for (const auto& [from, to] : changes) keys.add(key(*parsed(replaced(from, to))), std::string(to));
  std::string renamed = replaced("%w: f32[8]", "%v: f32[8]");
  renamed.replace(renamed.find("broadcast %w"), 12, "broadcast %v");
  keys.add(key(*parsed(renamed)), "another name of a parameter");
  std::string swapped = replaced("return %6, %7", "return %7, %6");
  swapped.replace(swapped.find("(f32[B], f32[B,8])"), 18, "(f32[B,8], f32[B])");
  keys.add(key(*parsed(swapped)), "another order of results");
}

TEST(ProgramKey, TellsEqualNodesApart) {
  const std::string_view twice = R"(func @twice(%x: f32[3]) -> (f32[3], f32[3]) {
  %0 = exp %x
  %1 = exp %x
  %2 = neg %0
  return %1, %2
})";
  std::string other(twice);
  other.replace(other.find("neg %0"), 6, "neg %1");
  EXPECT_EQ(parsed(twice)->hash(), parsed(other)->hash());
  EXPECT_NE(key(*parsed(twice)), key(*parsed(other)));
}

TEST(ProgramKey, HasTheTargetTheOptionsAndTheSchedules) {
  const auto graph = parsed(kProgram);
  Keys keys;
  const Target* target = &llvm_target_for(machine::kScalar);
  keys.add(key(*graph, {.target = target}), "the program");
  keys.add(key(*graph, {.target = &llvm_target_for(machine::kAvx2)}), "AVX2");
  keys.add(key(*graph, {.target = &target_by_name("null")}), "another back end");
  keys.add(key(*graph, {.target = target, .donations = {{1, 0}}}), "a donation");
  keys.add(key(*graph, {.target = target, .finite = {{0, "loss"}}}), "a result that is looked at");
  keys.add(key(*graph, {.target = target, .finite = {{0, "total"}}}), "its name");
  keys.add(key(*graph, {.target = target, .finite = {{1, "loss"}}}), "another result");
  keys.add(key(*graph, {.target = target, .constants = {0}}), "a constant");
  keys.add(key(*graph, {.target = target, .constants = {1}}), "another");
  keys.add(key(*graph, {.target = target, .disabled_passes = {"fuse"}}), "without a pass");
  keys.add(key(*graph, {.target = target, .disabled_passes = {"fuse", "share-nodes"}}), "without two");
  keys.add(key(*graph, {.target = target, .schedule_variation = 1}), "a variation");
  keys.add(key(*graph, {.target = target, .is_strict = true}), "strict");
  const auto database = [](const char* text) {
    return std::make_shared<const ScheduleDatabase>(ScheduleDatabase::parse(text, "db"));
  };
  const char* entry = "strata schedules 2\nschedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2\n  vectorise k by 8\n";
  const char* moved = "strata schedules 2\n\nschedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2\n  vectorise k by 8\n";
  keys.add(key(*graph, {.target = target, .schedules = database(entry)}), "a schedule");
  keys.add(key(*graph, {.target = target, .schedules = database(moved)}), "on another line, which messages name");
  keys.add(key(*graph, {.target = target, .schedules = std::make_shared<GivenSchedule>("vectorise k by 8")}), "given");
  keys.add(key(*graph, {.target = target, .schedules = std::make_shared<GivenSchedule>("vectorise k by 4")}),
           "given otherwise");
}

TEST(ProgramKey, StrictByTheEnvironmentIsStrict) {
  const auto graph = parsed(kProgram);
  const base::Hash128 strict = key(*graph, {.is_strict = true});
  EXPECT_NE(key(*graph), strict);
  setenv("STRATA_STRICT", "1", 1);
  EXPECT_EQ(key(*graph), strict);
  unsetenv("STRATA_STRICT");
}

/// Answers that nobody can compare.
class Unknown final : public ScheduleSource {
 public:
  std::optional<FoundSchedule> find(base::Hash128, std::string_view) const override { return std::nullopt; }
};

TEST(ProgramKey, ThereIsNoneForWhatIsNotKept) {
  const auto graph = parsed(kProgram);
  const CompileOptions budget{.memory_budget_bytes = 1 << 20}, unknown{.schedules = std::make_shared<Unknown>()};
  EXPECT_FALSE(program_key(*graph, budget, KernelLowering(budget)));
  EXPECT_FALSE(program_key(*graph, unknown, KernelLowering(unknown)));
}

}  // namespace
}  // namespace strata::compiler
