// Updates in place: where the plan copies and why, that what is written over is read before, and that the results are
// the interpreter's, whatever dies or lives on.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <random>

#include "strata/base/error/message_of.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/compiler/testing/programs.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"

namespace strata::compiler {
namespace {

using ir::HostArray;
using Graph = std::shared_ptr<const ir::Graph>;

/// "copied: REASON" or "in place" for each update of the plan, in order.
std::vector<std::string> updates_of(const Graph& graph, const std::vector<ir::Donation>& donations = {}) {
  std::vector<std::string> list;
  const auto executable = compile(graph, {.donations = donations});
  for (const ir::PlanCommand& c : executable->plan().commands)
    if (c.updates >= 0) list.push_back(c.copied_because.empty() ? "in place" : "copied: " + c.copied_because);
  return list;
}
using Updates = std::vector<std::string>;

/// What differs between the interpreter's results and those of compiled code, in memory that was donated; then between
/// the interpreter and the plan's.
std::optional<std::string> difference(const Graph& graph, const std::vector<HostArray>& arguments,
                                      const std::vector<ir::Donation>& donations) {
  const auto expected = ir::interpret(*graph, arguments);
  const auto executable = compile(graph, {.donations = donations});
  if (const auto fault = ir::find_plan_fault(executable->plan())) return fault;
  std::vector<HostArray> given = copies_of(arguments);
  if (auto found = first_difference(expected, ir::interpret_plan(executable->plan(), given))) return found;
  return first_difference(expected, executable->run(std::move(given)));
}

constexpr const char* kAppend = R"(func @step(%cache: f32[8,4], %row: f32[1,4], %pos: i64[]) -> f32[8,4] {{
  %z = constant {{value = i64[] 0}}
  %1 = dynamic_update_slice %cache, %row, %pos, %z {{in_place = {}}}
  return %1
}})";
const Graph append_row = parsed(fmt::format(kAppend, false)), append_in_place = parsed(fmt::format(kAppend, true));

TEST(Updates, OfADonatedArgumentCopyNothing) {
  EXPECT_EQ(updates_of(append_row, {{0, 0}}), Updates{"in place"});
  EXPECT_EQ(updates_of(append_row), Updates{"copied: argument 0 (cache) is not donated"});
}

TEST(Updates, WriteTheRowAndNothingElse) {
  const auto step = compile(append_row, {.donations = {{0, 0}}});
  HostArray cache(ir::DType::f32, {8, 4}), row(ir::DType::f32, {1, 4});
  for (int64_t i = 0; i < 32; ++i) cache.set(i, i);
  for (int64_t i = 0; i < 4; ++i) row.set(i, -1);
  const std::byte* const memory = cache.data();
  std::vector<HostArray> arguments{std::move(cache), row, HostArray::scalar(ir::DType::i64, 2)};
  const HostArray result = step->run(std::move(arguments))[0];
  EXPECT_EQ(result.data(), memory);
  for (int64_t i = 0; i < 32; ++i) EXPECT_EQ(result.get(i), i / 4 == 2 ? -1 : i) << i;
}

TEST(Updates, OneAfterTheOtherShareTheMemory) {
  const Graph graph = parsed(R"(func @f(%x: f32[7,3], %u: f32[1,3], %i: i64[5,1], %v: f32[5,3]) -> f32[7,3] {
    %two = constant {value = i64[] 2}
    %zero = constant {value = i64[] 0}
    %1 = dynamic_update_slice %x, %u, %two, %zero {in_place = false}
    %2 = scatter %1, %i, %v {axes = [0], batch = 0, mode = "clamp", combine = "add", most = 0, in_place = false}
    %3 = reshape %2 {dims = [21]}
    %new = constant {value = f32[2] [9.0, 8.0]}
    %five = constant {value = i64[] 5}
    %4 = dynamic_update_slice %3, %new, %five {in_place = false}
    %5 = reshape %4 {dims = [7, 3]}
    return %5
  })");
  EXPECT_EQ(updates_of(graph, {{0, 0}}), (Updates{"in place", "in place", "in place"}));
  EXPECT_EQ(updates_of(graph), (Updates{"copied: argument 0 (x) is not donated", "in place", "in place"}));
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const auto arguments = random_arguments(*graph, seed);
    EXPECT_EQ(find_native_difference(graph, arguments, {.donations = {{0, 0}}}), std::nullopt);
    EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt);
  }
}

TEST(Updates, OfWhatLivesOnCopyAndNameWhatKeepsIt) {
  const Graph result = parsed(R"(func @f(%x: f32[4]) -> (f32[4], f32[4]) {
    %1 = mul %x, 2.0
    %new = constant {value = f32[1] [9.0]}
    %one = constant {value = i64[] 1}
    %2 = dynamic_update_slice %1, %new, %one {in_place = false}
    return %1, %2
  })");
  EXPECT_EQ(updates_of(result), Updates{"copied: result 0 is its old value"});
  const Graph reader = parsed(R"(func @f(%x: f32[4]) -> (f32[4], f32[]) {
    %1 = exp %x
    %new = constant {value = f32[1] [9.0]}
    %one = constant {value = i64[] 1}
    %2 = dynamic_update_slice %1, %new, %one {in_place = false}
    %3 = reduce_sum %2 {axes = [0]}
    %4 = broadcast %3 {shape = [4], axes = []}
    %5 = mul %1, %4
    %6 = reduce_sum %5 {axes = [0]}
    return %2, %6
  })");
  const Updates updates = updates_of(reader);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].starts_with("copied: command ") && updates[0].ends_with(" still reads it")) << updates[0];
  const Graph self = parsed(R"(func @f(%x: f32[4], %i: i64[4,1]) -> f32[4] {
    %1 = exp %x
    %2 = scatter %1, %i, %1 {axes = [0], batch = 0, mode = "clamp", combine = "set", most = 0, in_place = false}
    return %2
  })");
  const Graph fused_self = parsed(R"(func @f(%x: f32[2,2], %i: i64[2,1]) -> f32[2,2] {
    %1 = exp %x
    %2 = reshape %i {dims = [1, 2]}
    %3 = transpose %2 {perm = [1, 0]}
    %4 = scatter %1, %3, %1 {axes = [0], batch = 0, mode = "clamp", combine = "set", most = 0, in_place = false}
    return %4
  })");
  EXPECT_EQ(updates_of(fused_self), Updates{"copied: what it writes is made of it as well"});
  EXPECT_EQ(updates_of(self), Updates{"copied: what it writes is made of it as well"});
  const Graph literal = parsed(R"(func @f(%i: i64[]) -> i64[4] {
    %old = constant {value = i64[4] [1, 2, 3, 4]}
    %new = constant {value = i64[1] [7]}
    %1 = dynamic_update_slice %old, %new, %i {in_place = false}
    return %1
  })");
  for (const Graph& graph : {result, reader, self, fused_self, literal})
    for (uint64_t seed = 0; seed < 4; ++seed)
      EXPECT_EQ(find_native_difference(graph, random_arguments(*graph, seed)), std::nullopt);
}

/// A reader that stands behind the update in the program runs before it, unless it waits for the update.
TEST(Updates, WaitForOtherReaders) {
  const Graph graph = parsed(R"(func @f(%x: f32[5,3], %u: f32[1,3]) -> (f32[5,3], f32[], f32[1,3]) {
    %two = constant {value = i64[] 2}
    %zero = constant {value = i64[] 0}
    %1 = dynamic_update_slice %x, %u, %two, %zero {in_place = false}
    %2 = reduce_sum %x {axes = [0, 1]}
    %3 = slice %x {start = [2, 0], limit = [3, 3], stride = [1, 1]}
    %4 = slice %1 {start = [2, 0], limit = [3, 3], stride = [1, 1]}
    %5 = mul %3, %4
    return %1, %2, %5
  })");
  EXPECT_EQ(updates_of(graph, {{0, 0}}), Updates{"in place"});
  for (uint64_t seed = 0; seed < 4; ++seed)
    EXPECT_EQ(find_native_difference(graph, random_arguments(*graph, seed), {.donations = {{0, 0}}}), std::nullopt);
}

/// What is written is made of elements that are written over.
TEST(Updates, ReadTheirOwnOperandBeforeTheyWrite) {
  const Graph shifted = parsed(R"(func @f(%x: f32[67]) -> f32[67] {
    %1 = slice %x {start = [0], limit = [66], stride = [1]}
    %2 = mul %1, 2.0
    %one = constant {value = i64[] 1}
    %3 = dynamic_update_slice %x, %2, %one {in_place = false}
    return %3
  })");
  const Graph reversed = parsed(R"(func @f(%x: f32[67,2], %i: i64[67,1]) -> f32[67,2] {
    %1 = reverse %x {axes = [0]}
    %2 = scatter %x, %i, %1 {axes = [0], batch = 0, mode = "fill", combine = "add", most = 0, in_place = false}
    return %2
  })");
  const Graph reshaped = parsed(R"(func @f(%x: f32[4,3]) -> f32[4,3] {
    %1 = reshape %x {dims = [12]}
    %2 = slice %1 {start = [1], limit = [12], stride = [1]}
    %3 = exp %2
    %4 = reshape %x {dims = [3, 4]}
    %5 = reshape %4 {dims = [12]}
    %zero = constant {value = i64[] 0}
    %6 = dynamic_update_slice %5, %3, %zero {in_place = false}
    %7 = reshape %6 {dims = [4, 3]}
    return %7
  })");
  for (const Graph& graph : {shifted, reversed, reshaped}) {
    EXPECT_EQ(updates_of(graph, {{0, 0}}), Updates{"in place"});
    for (uint64_t seed = 0; seed < 4; ++seed)
      EXPECT_EQ(find_native_difference(graph, random_arguments(*graph, seed), {.donations = {{0, 0}}}), std::nullopt);
  }
}

TEST(Updates, WriteNoDonatedMemoryBeforeWhatCanFail) {
  const Graph graph = parsed(R"(func @f(%x: f32[5], %i: i64[3,1]) -> (f32[5], f32[3]) {
    %new = constant {value = f32[1] [1.0]}
    %two = constant {value = i64[] 2}
    %1 = dynamic_update_slice %x, %new, %two {in_place = false}
    %2 = gather %1, %i {axes = [0], batch = 0, mode = "check", most = 0}
    return %1, %2
  })");
  const Updates updates = updates_of(graph, {{0, 0}});
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].starts_with("copied: argument 0 is kept: command ")) << updates[0];
  EXPECT_TRUE(updates[0].ends_with("can fail when the result is written")) << updates[0];
}

TEST(Updates, CheckTheirPositionsBeforeTheyWrite) {
  const Graph graph = parsed(R"(func @f(%x: f32[5], %i: i64[3,1], %u: f32[3]) -> f32[5] {
    %1 = checked_indices %i {axes = [0], extents = [5], asker = "scatter"}
    %2 = scatter %x, %1, %u {axes = [0], batch = 0, mode = "fill", combine = "set", most = 0, in_place = true}
    return %2
  })");
  EXPECT_EQ(updates_of(graph, {{0, 0}}), Updates{"in place"});
  std::vector<HostArray> arguments = random_arguments(*graph, 1);
  arguments[1].set_int(2, 5);
  const HostArray before = arguments[0].clone();
  EXPECT_EQ(base::message_of([&] { compile(graph, {.donations = {{0, 0}}})->run(std::move(arguments)); }),
            "error[E0118]: scatter: index 5 is out of range for axis 0 of extent 5");
  EXPECT_EQ(first_difference(std::span(&before, 1), std::span(arguments.data(), 1)), std::nullopt);
}

TEST(Updates, E0330NamesWhatKeepsTheOperandAlive) {
  EXPECT_EQ(updates_of(append_in_place, {{0, 0}}), Updates{"in place"});
  const std::string hint =
      "\nhint: an argument is donated when the jitted function rebinds it; what still reads the old value keeps it";
  EXPECT_EQ(base::message_of([] { compile(append_in_place); }),
            "error[E0330]: step: dynamic_update_slice must be written in place, but argument 0 (cache) is not donated" +
                hint);
  const Graph result = parsed(R"(func @f(%x: f32[4], %i: i64[2,1]) -> (f32[4], f32[4]) {
    %1 = mul %x, 2.0
    %new = constant {value = f32[2] [1.0, 2.0]}
    %2 = scatter %1, %i, %new {axes = [0], batch = 0, mode = "clamp", combine = "min", most = 0, in_place = true}
    return %2, %1
  })");
  EXPECT_EQ(base::message_of([&] { compile(result); }),
            "error[E0330]: f: scatter must be written in place, but result 1 is its old value" + hint);
}

TEST(Updates, E0330NamesAnArgumentThatTheCallerHolds) {
  const auto step = compile(append_in_place, {.donations = {{0, 0}}});
  const auto given = random_arguments(*append_in_place, 1);
  std::vector<HostArray> arguments{given[0].clone(), given[1], HostArray::scalar(ir::DType::i64, 2)};
  const HostArray held = arguments[0], before = held.clone();
  EXPECT_EQ(base::message_of([&] { step->run(std::move(arguments)); }),
            "error[E0330]: step: argument 0 (cache) must be written in place, but the caller holds its memory with "
            "another handle\n"
            "hint: copies of a tensor share its memory: drop them before the call, or keep x + 0 instead");
  EXPECT_EQ(first_difference(std::span(&before, 1), std::span(&held, 1)), std::nullopt);
  std::vector<HostArray> own{given[0].clone(), given[1], HostArray::scalar(ir::DType::i64, 2)};
  EXPECT_EQ(base::code_of([&] { step->run(std::move(own)); }), "no error");
}

/// Random blocks and rows: extents 0, 1 and primes, starts and positions outside, every dtype, symbolic extents.
class RandomUpdate {
 public:
  explicit RandomUpdate(uint64_t seed) : random_(seed) {}

  std::string block() {
    const size_t rank = random_() % 4;
    std::string x, u, starts, names;
    for (size_t a = 0; a < rank; ++a) {
      const int64_t extent = pick({0, 1, 2, 5, 17, 67});
      const int64_t size = pick({0, 1, extent / 2, extent});
      x += fmt::format("{}{}", a ? "," : "", extent);
      u += fmt::format("{}{}", a ? "," : "", std::min(size, extent));
      starts +=
          fmt::format("  %s{} = constant {{value = i64[] {}}}\n", a, pick({-3, 0, 1, extent, INT64_MAX, INT64_MIN}));
      names += fmt::format(", %s{}", a);
    }
    const char* t = type();
    return fmt::format(
        "func @f(%x: {0}[{1}], %u: {0}[{2}]) -> {0}[{1}] {{\n{3}"
        "  %1 = dynamic_update_slice %x, %u{4} {{in_place = false}}\n  return %1\n}}",
        t, x, u, starts, names);
  }

  /// With exact sums: integers, or what doesn't add.
  std::string rows() {
    const int64_t rows = pick({1, 2, 7, 67}), columns = pick({1, 5, 64, 131}), updates = pick({0, 1, 13, 41});
    const std::string combine = std::array{"set", "min", "max", "add", "mul"}[random_() % 5];
    const char* t = combine == "set" ? type() : combine == "add" || combine == "mul" ? "i32" : "f32";
    return fmt::format(
        "func @f(%x: {0}[{1},{2}], %i: i64[{3},1], %u: {0}[{3},{2}]) -> {0}[{1},{2}] {{\n"
        "  %1 = sub %i, 2\n"
        "  %2 = scatter %x, %1, %u {{axes = [0], batch = 0, mode = \"{4}\", combine = \"{5}\", most = 0, in_place = "
        "false}}\n  return %2\n}}",
        t, rows, columns, updates, random_() % 2 ? "fill" : "clamp", combine);
  }

 private:
  int64_t pick(std::initializer_list<int64_t> from) { return from.begin()[random_() % from.size()]; }
  const char* type() { return std::array{"f32", "f64", "f16", "bf16", "i8", "u64", "bool"}[random_() % 7]; }
  std::mt19937_64 random_;
};

TEST(Updates, OfRandomShapesAreTheInterpreters) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    RandomUpdate random(seed);
    for (const std::string& text : {random.block(), random.rows()}) {
      const Graph graph = parsed(text);
      const auto arguments = random_arguments(*graph, seed);
      const std::vector<ir::Donation> donations =
          seed % 3 ? std::vector<ir::Donation>{{0, 0}} : std::vector<ir::Donation>{};
      ASSERT_EQ(difference(graph, arguments, donations), std::nullopt) << text << " seed " << seed;
    }
  }
}

TEST(Updates, OfSymbolicShapesServeEverySize) {
  const Graph graph = parsed(R"(func @f(%x: f32[T,3], %u: f32[B,3], %i: i64[B,1], %s: i64[]) -> f32[T,3]
      where B in [0, 64] {
    %1 = scatter %x, %i, %u {axes = [0], batch = 0, mode = "fill", combine = "max", most = 0, in_place = false}
    %new = constant {value = f32[1,3] [1.0, 2.0, 3.0]}
    %zero = constant {value = i64[] 0}
    %2 = dynamic_update_slice %1, %new, %s, %zero {in_place = false}
    return %2
  })");
  const auto executable = compile(graph, {.donations = {{0, 0}}});
  for (const int64_t rows : {1, 2, 67})
    for (const int64_t updates : {0, 1, 13, 64}) {
      HostArray x(ir::DType::f32, {rows, 3}), u(ir::DType::f32, {updates, 3}), at(ir::DType::i64, {updates, 1});
      for (int64_t i = 0; i < x.elements(); ++i) x.set(i, i % 5);
      for (int64_t i = 0; i < u.elements(); ++i) u.set(i, (i * 7) % 11);
      for (int64_t i = 0; i < updates; ++i) at.set_int(i, (i * 5) % (rows + 2) - 1);
      const std::vector<HostArray> arguments{x, u, at, HostArray::scalar(ir::DType::i64, rows + 1)};
      const auto expected = ir::interpret(*graph, arguments);
      std::vector<HostArray> given{x.clone(), u, at, arguments[3]};
      EXPECT_EQ(first_difference(expected, executable->run(std::move(given))), std::nullopt) << rows << " " << updates;
    }
}

/// A sum that joins a value is the sum of the updates, which the value takes in last.
TEST(Updates, OfSumsAddUpApartFromTheirOperand) {
  const char* text = R"(func @f(%x: {0}[5,3], %i: i64[{1},1], %u: {0}[{1},3]) -> ({0}[5,3], {0}[5,3]) {{
    %c = constant {{value = {0}[] 0.0}}
    %z = broadcast %c {{shape = [5, 3], axes = []}}
    %1 = scatter %z, %i, %u {{axes = [0], batch = 0, mode = "clamp", combine = "add", most = 0, in_place = false}}
    %2 = add %x, %1
    %3 = scatter %x, %i, %u {{axes = [0], batch = 0, mode = "clamp", combine = "add", most = 0, in_place = false}}
    return %2, %3
  }})";
  for (const char* dtype : {"f32", "f64"})
    for (const int updates : {1, 7, 32, 33, 1000}) {
      const Graph graph = parsed(fmt::format(fmt::runtime(text), dtype, updates));
      auto arguments = random_arguments(*graph, 1);
      for (int64_t i = 0; i < arguments[0].elements(); ++i) arguments[0].set(i, 1.0 + 0.37 * static_cast<double>(i));
      for (int64_t i = 0; i < arguments[2].elements(); ++i)
        arguments[2].set(i, 0.1 * static_cast<double>((i * 37) % 101) - 3);
      const auto results = compile(graph)->run(std::vector<HostArray>(arguments));
      EXPECT_EQ(first_difference(std::span(&results[0], 1), std::span(&results[1], 1)), std::nullopt)
          << dtype << " " << updates;
    }
}

/// `what` %state %i by %xs; the loop runs six times.
Graph loop_of(const std::string& step, const std::string& result = "%2") {
  return parsed(fmt::format(R"(func @loop(%a: f32[64,4], %rows: f32[64,4]) -> f32[64,4] {{
  %0 = constant {{value = i64[] 0}}
  %1, %2 = while %rows, %0, %a {{constants = 1}}
    func @go(%rows: f32[64,4], %i: i64[], %s: f32[64,4]) -> bool[] {{
      %0 = constant {{value = i64[] 6}}
      %1 = lt %i, %0
      return %1
    }}
    func @step(%rows: f32[64,4], %i: i64[], %s: f32[64,4]) -> (i64[], f32[64,4]) {{
      %0 = constant {{value = i64[] 1}}
      %1 = add %i, %0
      %z = constant {{value = i64[] 0}}
      %r = dynamic_slice %rows, %i, %z {{sizes = [1, 4]}}
{}
    }}
  return {}
}})",
                            step, result));
}

/// "in place" or the reason for each carry of the only loop, in order.
Updates carries_of(const Graph& graph) {
  const auto executable = compile(graph);
  const ir::Plan& body = *executable->plan().regions.back();
  Updates list(2, "not offered");
  for (const ir::Donation& d : body.donations) list[d.result] = "in place";
  for (const ir::KeptArgument& k : body.kept) list[k.result] = k.reason;
  return list;
}

TEST(Updates, OfACarryWriteInPlace) {
  const Graph graph = loop_of(R"(      %2 = dynamic_update_slice %s, %r, %i, %z {in_place = true}
      return %1, %2)");
  EXPECT_EQ(carries_of(graph), (Updates{"in place", "in place"}))
      << "the next number is written when the slice was found by the old one";
  EXPECT_EQ(difference(graph, random_arguments(*graph, 3), {}), std::nullopt);
  for (const ir::PlanCommand& c : compile(graph)->plan().regions.back()->commands)
    EXPECT_TRUE(c.updates < 0 || c.copied_because.empty()) << c.copied_because;
  EXPECT_LT(compile(graph)->memory_use(ir::DimBinding()).region_bytes, 64 * 4 * 4) << "there is no spare for it";
}

TEST(Updates, OfACarryWhoseOldValueIsReadLaterCopy) {
  const Graph late = loop_of(R"(      %2 = dynamic_update_slice %s, %r, %i, %z {in_place = false}
      %3 = reverse %s {axes = [0]}
      %4 = add %2, %3
      return %1, %4)");
  EXPECT_EQ(difference(late, random_arguments(*late, 4), {}), std::nullopt);
  const Graph reversed = loop_of(R"(      %2 = reverse %s {axes = [0]}
      return %1, %2)");
  EXPECT_NE(carries_of(reversed)[1], "in place");
  EXPECT_EQ(difference(reversed, random_arguments(*reversed, 5), {}), std::nullopt);
}

/// What the loop begins with dies there, so that its result lies in the same memory; an even and an odd number of
/// steps, none at all, and states that change places.
TEST(Updates, ALoopTakesOverWhatItBeginsWith) {
  for (const int steps : {0, 1, 2, 5}) {
    SCOPED_TRACE(steps);
    const Graph graph = parsed(fmt::format(R"(func @swap(%a: f32[9,4], %w: f32[4,4]) -> (f32[9,4], f32[9,4]) {{
  %0 = dot %a, %w {{lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}}
  %1 = dot %0, %w {{lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}}
  %2, %3, %4 = scan %w, %0, %1, %0 {{length = [{}], constants = 1, carries = 3, reverse = false}}
    func @step(%w: f32[4,4], %p: f32[9,4], %q: f32[9,4], %r: f32[9,4]) -> (f32[9,4], f32[9,4], f32[9,4]) {{
      %0 = dot %p, %w {{lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}}
      %1 = tanh %r
      return %q, %0, %1
    }}
  %5 = dot %2, %w {{lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}}
  %6 = add %3, %4
  return %5, %6
}})",
                                           steps));
    EXPECT_EQ(difference(graph, random_arguments(*graph, 6), {}), std::nullopt);
  }
}

}  // namespace
}  // namespace strata::compiler
