// The search on landscapes that are written down: no kernel is compiled, and each run is the same.
#include "strata/compiler/tune/search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "strata/ir/loops/text/text_form.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler::tune {
namespace {

ir::loops::Kernel product() {
  return ir::loops::parse_kernel(R"(kernel @dot(%x: f32[96,256], %w: f32[128,256]) -> (%y: f32[96,128]) {
    parallel i in 0..96 { vector j in 0..128 { var acc: f32 = 0.0
      for k in 0..256 joining acc by 256, outer 1, inner 0 { acc = fma(%x[i,k], %w[j,k], acc) }
      %y[i,j] = acc } } })")
      .value();
}

int64_t number_of(const std::string& rewrites, std::string_view verb, std::string_view what) {
  for (const Rewrite& rewrite : parse_rewrites(rewrites))
    for (const Rewrite::Part& part : rewrite.parts)
      if (rewrite.verb == verb && part.what == what && !part.numbers.empty()) return part.numbers[0];
  return 0;
}

/// A made-up time: a tile of 3 rows and tasks of 24 are best. Some candidates don't come back.
class Landscape final : public Bench {
 public:
  Trial measure(const std::string& rewrites, Effort) override {
    ++measured;
    if (number_of(rewrites, "tile", "rows") == 5) return {Outcome::Crashed, 1, 0, "signal 11 (SEGV)"};
    if (number_of(rewrites, "tile", "columns") == 8) return {Outcome::TimedOut, 1, 0, "it took more than 1 s"};
    if (number_of(rewrites, "vectorise", "columns") == 4) return {Outcome::WrongBits, 0.01, 1, "another result"};
    return {Outcome::Measured, time(rewrites) / incumbent, time(rewrites), ""};
  }
  bool promote(const std::string& rewrites) override {
    incumbent = time(rewrites);
    promoted = rewrites;
    return true;
  }

  static double time(const std::string& rewrites) {
    const auto far = [&](std::string_view verb, std::string_view what, double best) {
      return std::fabs(std::log2(static_cast<double>(number_of(rewrites, verb, what)) / best));
    };
    return 1 + far("tile", "rows", 3) + 0.5 * far("parallel", "rows", 24) + 0.25 * far("parallel", "columns", 32);
  }

  double incumbent = 1;
  int measured = 0;
  std::string promoted;
};

KernelSearch search_of(uint64_t seed) {
  return KernelSearch(ScheduleSpace(product, machine::kAvx2.vectors, {}), 0, seed);
}

const auto kNever = [] { return false; };

TEST(KernelSearch, ComesNearToTheBestOfALandscapeWhereSomeDontComeBack) {
  KernelSearch search = search_of(1);
  Landscape bench;
  bench.incumbent = Landscape::time(search.heuristic().rewrites);
  CostModel model;
  std::string failure;
  ASSERT_TRUE(search.begin(bench, failure)) << failure;
  const double first = search.best_seconds();
  for (int round = 0; round < 25; ++round) ASSERT_TRUE(search.round(bench, model, kNever));
  EXPECT_NEAR(search.best_seconds(), Landscape::time(search.best().rewrites), 1e-9);
  EXPECT_LT(search.best_seconds(), 1.3) << search.best().rewrites;
  EXPECT_GT(first, 1.5);
  EXPECT_EQ(bench.promoted, search.best().rewrites);
  EXPECT_EQ(search.trials(), 200);
  EXPECT_EQ(search.progress().size(), 200u);
  EXPECT_EQ(search.progress().back(), search.best_relative());
}

TEST(KernelSearch, KeepsNothingThatCrashedHungOrGaveOtherBits) {
  KernelSearch search = search_of(2);
  Landscape bench;
  bench.incumbent = Landscape::time(search.heuristic().rewrites);
  CostModel model;
  std::string failure;
  ASSERT_TRUE(search.begin(bench, failure));
  for (int round = 0; round < 25; ++round) search.round(bench, model, kNever);
  EXPECT_GT(search.outcomes()[static_cast<size_t>(Outcome::Crashed)], 0);
  EXPECT_GT(search.outcomes()[static_cast<size_t>(Outcome::TimedOut)], 0);
  EXPECT_GT(search.outcomes()[static_cast<size_t>(Outcome::WrongBits)], 0);
  EXPECT_TRUE(search.reasons()[static_cast<size_t>(Outcome::Crashed)].starts_with("signal 11 (SEGV)\n"));
  EXPECT_NE(number_of(search.best().rewrites, "vectorise", "columns"), 4) << "it claimed to be a hundred times faster";
  EXPECT_NE(number_of(search.best().rewrites, "tile", "rows"), 5);
}

TEST(KernelSearch, TheSameSeedGivesTheSameSearch) {
  std::string texts[2];
  for (std::string& text : texts) {
    KernelSearch search = search_of(3);
    Landscape bench;
    CostModel model;
    std::string failure;
    search.begin(bench, failure);
    for (int round = 0; round < 4; ++round) search.round(bench, model, kNever);
    for (const MeasuredCandidate& m : search.measured()) text += m.candidate.rewrites + "\n--\n";
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST(KernelSearch, StopsBetweenTwoTrials) {
  KernelSearch search = search_of(4);
  Landscape bench;
  CostModel model;
  std::string failure;
  search.begin(bench, failure);
  int asked = 0;
  EXPECT_TRUE(search.round(bench, model, [&] { return ++asked == 4; }));
  EXPECT_EQ(search.trials(), 3);
}

TEST(KernelSearch, AHeuristicThatCannotBeMeasuredIsNotTuned) {
  class Broken final : public Bench {
   public:
    Trial measure(const std::string&, Effort) override { return {Outcome::Crashed, 1, 0, "signal 4 (ILL)"}; }
    bool promote(const std::string&) override { return false; }
  } bench;
  std::string failure;
  EXPECT_FALSE(search_of(5).begin(bench, failure));
  EXPECT_EQ(failure, "the schedule of the heuristic crashed: signal 4 (ILL)");
}

TEST(CostModel, LearnsWhichOfTwoKernelsSchedulesAreFastFromHalfOfThem) {
  // The landscape's times stand for measurements; the model sees the loops alone.
  const ScheduleSpace space(product, machine::kAvx2.vectors, {});
  base::SplitMix64 random(9);
  CostModel model;
  std::vector<double> expected, found;
  std::vector<std::vector<float>> held_out;
  const Candidate heuristic = space.heuristic().value();
  for (int i = 0; i < 160; ++i) {
    const auto candidate = i % 2 ? space.random(random) : space.mutation(heuristic, random);
    if (!candidate || number_of(candidate->rewrites, "tile", "rows") == 0) continue;
    const double time = Landscape::time(candidate->rewrites);
    if (i % 4 < 2) {
      model.add(0, candidate->features, time);
    } else {
      held_out.push_back(candidate->features);
      expected.push_back(-time);
    }
  }
  model.fit();
  for (const std::vector<float>& features : held_out) found.push_back(model.score(features));
  ASSERT_GT(expected.size(), 40u);
  EXPECT_GT(rank_correlation(expected, found), 0.6);
}

}  // namespace
}  // namespace strata::compiler::tune
