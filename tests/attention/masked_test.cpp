// What is masked contributes nothing, whatever its memory holds: results and derivatives of rows that don't see it are
// those that they have beside finite numbers.
#include <gtest/gtest.h>

#include <limits>

#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/backends.h"
#include "strata/ir/graph/interpret.h"
#include "strata/machine/cpu_target.h"
#include "tests/attention/attention_program.h"

namespace strata {
namespace {

using namespace attention_test;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

std::vector<Case> cases() {
  std::vector<Case> list{{.queries = 40, .keys = 40, .depth = 5, .options = {.is_causal = true, .key_block = 16}}};
  list.push_back({.queries = 40, .keys = 40, .depth = 4, .options = {.window = 6, .key_block = 16}});
  list.push_back({.queries = 33, .keys = 40, .depth = 4, .options = {.key_block = 8}, .mask = Case::Bool});
  list.push_back({.queries = 40,
                  .keys = 40,
                  .depth = 4,
                  .options = {.is_causal = true, .soft_cap = 2, .key_block = 64},
                  .mask = Case::Float,
                  .has_factor = true,
                  .has_sinks = true});
  list.push_back({.queries = 40, .keys = 40, .depth = 4, .options = {.key_block = 16}, .has_segments = true});
  list.push_back({.queries = 12, .keys = 12, .depth = 3, .options = {.is_causal = true, .key_block = 1}});
  return list;
}

/// Key `kPoisoned` of each head holds what is no number, and so may query `kPoisoned`.
struct Poison {
  double value = kNaN;
  bool in_keys = true, in_values = true, in_queries = false;
  int64_t place = 9;
};

/// Which queries see which keys, the same for all batches and heads, once the masks of `p` are made so.
class Sight {
 public:
  Sight(const Case& c, Program& p) : c_(c) {
    if (c.mask == Case::Bool)  // some of each row, none of row 3
      for (int64_t i = 0; i < c.queries * c.keys; ++i)
        mask(p).set_int(i, i / c.keys != 3 && (i * 7 + i / c.keys) % 5 != 0);
    if (c.mask == Case::Float)
      for (int64_t i = 0; i < c.heads * c.queries * c.keys; ++i)
        if ((i % (c.queries * c.keys)) % 7 == 2) mask(p).set(i, -kInf);
    seen_.resize(static_cast<size_t>(c.queries * c.keys));
    for (int64_t i = 0; i < c.queries; ++i)
      for (int64_t j = 0; j < c.keys; ++j) seen_[static_cast<size_t>(i * c.keys + j)] = computed(p, i, j);
  }
  bool sees(int64_t query, int64_t key) const { return seen_[static_cast<size_t>(query * c_.keys + key)]; }

 private:
  static HostArray& mask(Program& p) { return p.arguments[3]; }
  bool computed(Program& p, int64_t i, int64_t j) const {
    const int64_t at = i + c_.keys - c_.queries;
    if (c_.options.is_causal && j > at) return false;
    if (c_.options.window > 0 && (j <= at - c_.options.window || j >= at + c_.options.window)) return false;
    if (c_.mask == Case::Bool) return mask(p).get_int(i * c_.keys + j) != 0;
    if (c_.mask == Case::Float) return mask(p).get(i * c_.keys + j) != -kInf;
    if (c_.has_segments) return p.arguments[3].get_int(i) == p.arguments[3].get_int(j);
    return true;
  }
  const Case& c_;
  std::vector<bool> seen_;
};

/// Rows of queries that nothing poisoned reaches, and of keys.
struct Clean {
  std::vector<bool> queries, keys;
  Clean(const Case& c, const Sight& sight, const Poison& poison) {
    for (int64_t i = 0; i < c.queries; ++i)
      queries.push_back(!sight.sees(i, poison.place) && !(poison.in_queries && i == poison.place));
    for (int64_t j = 0; j < c.keys; ++j) {
      bool is_clean = j != poison.place;
      for (int64_t i = 0; i < c.queries; ++i)
        if (sight.sees(i, j) && !queries[static_cast<size_t>(i)]) is_clean = false;
      keys.push_back(is_clean);
    }
  }
};

void poison_rows(const Case& c, const Poison& poison, std::vector<HostArray>& arguments) {
  const auto rows = [&](HostArray& x, int64_t length) {
    for (int64_t head = 0; head < x.elements() / (length * c.depth); ++head)
      for (int64_t e = 0; e < c.depth; ++e) x.set((head * length + poison.place) * c.depth + e, poison.value);
  };
  if (poison.in_queries) rows(arguments[0], c.queries);
  if (poison.in_keys) rows(arguments[1], c.keys);
  if (poison.in_values) rows(arguments[2], c.keys);
}

/// `found` has in clean rows what `expected` has. Results that are neither of queries nor of keys are left out.
void expect_clean_rows(const Case& c, const Clean& clean, const std::vector<std::pair<size_t, bool>>& is_of_keys,
                       const std::vector<HostArray>& found, const std::vector<HostArray>& expected,
                       const std::string& what) {
  int64_t rows = 0;
  for (const auto& [r, of_keys] : is_of_keys) {
    const int64_t length = of_keys ? c.keys : c.queries;
    for (int64_t i = 0; i < found[r].elements(); ++i) {
      const int64_t row = i / c.depth % length;
      if (!(of_keys ? clean.keys : clean.queries)[static_cast<size_t>(row)]) continue;
      ++rows;
      ASSERT_EQ(found[r].get(i), expected[r].get(i)) << what << ": result " << r << ", row " << row;
    }
  }
  EXPECT_GT(rows, 0) << what << ": no row is clean";
}

std::vector<Poison> poisons() {
  return {{kNaN, true, false}, {kNaN, false, true}, {kInf, true, true}, {-kInf, false, true}, {kNaN, true, true, true}};
}

TEST(MaskedAttention, ResultsAndGradientsOfWhatSeesNoPoisonAreThoseWithout) {
  for (const Case& c : cases()) {
    Program p(c);
    p.add_gradients();
    const Sight sight(c, p);
    const auto finite = run(p);
    std::vector<HostArray> arguments = p.arguments;
    for (const Poison& poison : poisons()) {
      p.arguments = arguments;
      poison_rows(c, poison, p.arguments);
      const Clean clean(c, sight, poison);
      const auto found = run(p);
      const std::string what = fmt::format("{} with {}", c.str(), poison.value);
      expect_clean_rows(c, clean, {{0, false}, {1, false}, {2, true}, {3, true}}, found, finite, what);
      const auto interpreted = ir::interpret(*p.graph, p.arguments);
      for (size_t r = 0; r < found.size(); ++r)
        for (int64_t i = 0; i < found[r].elements(); ++i) {
          const double a = found[r].get(i), b = interpreted[r].get(i);
          ASSERT_EQ(std::isnan(a), std::isnan(b)) << what << ": result " << r << ", element " << i;
          if (!std::isnan(a) && a != b) {
            ASSERT_NEAR(a, b, 2e-5 * (1 + std::fabs(b))) << what;
          }
        }
    }
  }
}

TEST(MaskedAttention, HasTheSameBitsOnEveryInstructionSetAndForAnyThreads) {
  base::ThreadPool& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  for (const Case& c : cases()) {
    Program p(c);
    p.add_gradients();
    const Sight sight(c, p);
    poison_rows(c, {kNaN, true, true, true}, p.arguments);
    const auto first = run(p);
    for (const machine::CpuTarget& cpu : machine::host_cpu_targets())
      expect_same_bits(first, run(p, {.target = &compiler::llvm_target_for(cpu)}),
                       fmt::format("{}, {}", c.str(), cpu.name));
    for (const uint64_t variation : {1, 2, 3})
      expect_same_bits(first, run(p, {.schedule_variation = variation}), c.str());
    expect_same_bits(first, run(p, {.disabled_passes = {"lane-loops"}}), c.str() + ", step by step");
    for (const int threads : {1, 2}) {
      pool.set_thread_count(threads);
      expect_same_bits(first, run(p), c.str() + ", threads");
    }
    pool.set_thread_count(before);
  }
}

TEST(MaskedAttention, SecondDerivativesOfWhatSeesNoPoisonAreThoseWithout) {
  for (Case c : cases()) {
    c.queries = std::min<int64_t>(c.queries, 14), c.keys = 14, c.options.key_block = 4;
    if (c.mask == Case::Bool) c.queries = 11;
    if (c.has_segments) c.queries = c.keys = 30;
    Program p(c);
    const Sight sight(c, p);
    add_second_order(p);
    const auto finite = run(p);
    const Poison poison{kNaN, true, true, false};
    poison_rows(c, poison, p.arguments);
    const size_t count = p.floats.size();
    expect_clean_rows(c, Clean(c, sight, poison),
                      {{0, false}, {1, true}, {2, true}, {count, false}, {count + 1, true}, {count + 2, true}}, run(p),
                      finite, c.str());
  }
}

TEST(MaskedAttention, AWeightThatVanishesIsNoMask) {
  for (const double value : {kNaN, kInf}) {
    Program p({.heads = 1, .key_heads = 1, .queries = 3, .keys = 3, .depth = 1});
    for (int i = 0; i < 3; ++i)
      for (int64_t e = 0; e < 3; ++e) p.arguments[static_cast<size_t>(i)].set(e, 1);
    p.arguments[1].set(0, -1000);  // exp(-1001) is 0
    p.arguments[2].set(0, value);
    const auto found = run(p);
    EXPECT_TRUE(std::isnan(found[0].get(1))) << "0 times " << value;
    EXPECT_TRUE(std::isnan(found[0].get(2))) << "0 times " << value;
  }
}

}  // namespace
}  // namespace strata
