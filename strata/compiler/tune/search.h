// The search for one kernel: rounds of a few candidates that the cost model thinks best, out of many that were drawn at
// random, changed from the best so far, or crossed.
#pragma once

#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "strata/base/callable/function_ref.h"
#include "strata/compiler/tune/cost_model.h"
#include "strata/compiler/tune/measure.h"
#include "strata/compiler/tune/space.h"

namespace strata::compiler::tune {

struct SearchOptions {
  int drawn = 48;            ///< candidates that a round looks at
  int measured = 8;          ///< and how many of them it measures
  double explored = 0.2;     ///< share of these that are taken whatever the model says
  double least_gain = 0.02;  ///< of the time: less is noise, and nothing is kept for it
};

struct MeasuredCandidate {
  Candidate candidate;
  double relative = 1;  ///< its time by that of the heuristic's schedule; infinite: it failed
};

class KernelSearch {
 public:
  /// `group`: its number in the cost model. `space` has a heuristic.
  KernelSearch(ScheduleSpace space, int group, uint64_t seed, SearchOptions options = {});

  /// Measures the heuristic's schedule against itself. False when that can't be done; `failure` says why.
  bool begin(Bench& bench, std::string& failure);
  /// Measures one round and tells the model; `should_stop` is asked before each candidate. False when nothing new is
  /// left to be drawn.
  bool round(Bench& bench, CostModel& model, base::FunctionRef<bool()> should_stop);

  /// A schedule that is tried first in the next round, if the nest can have it: one that was found before.
  void suggest(const std::string& rewrites);

  const Candidate& heuristic() const { return heuristic_; }
  const Candidate& best() const { return best_; }
  double heuristic_seconds() const { return heuristic_seconds_; }
  double best_relative() const { return best_relative_; }
  double best_seconds() const { return heuristic_seconds_ * best_relative_; }
  int trials() const { return trials_; }
  /// How many ended in each Outcome.
  const std::array<int, 5>& outcomes() const { return outcomes_; }
  /// The first reason of each Outcome.
  const std::array<std::string, 5>& reasons() const { return reasons_; }
  const std::vector<MeasuredCandidate>& measured() const { return measured_; }
  /// The best so far by that of the heuristic, after each trial.
  const std::vector<double>& progress() const { return progress_; }

 private:
  std::vector<Candidate> drawn(const CostModel& model);
  void add_new(std::vector<Candidate>& pool, std::optional<Candidate> candidate);
  const Candidate& parent();
  void try_one(Bench& bench, const Candidate& candidate, CostModel& model);
  void keep(Bench& bench, const Candidate& candidate);

  ScheduleSpace space_;
  int group_;
  base::SplitMix64 random_;
  SearchOptions options_;
  Candidate heuristic_, best_;
  double heuristic_seconds_ = 0, best_relative_ = 1;
  int trials_ = 0;
  std::array<int, 5> outcomes_{};
  std::array<std::string, 5> reasons_;
  std::vector<MeasuredCandidate> measured_;
  std::vector<double> progress_;
  std::vector<Candidate> suggested_;
  std::unordered_set<std::string> seen_;
};

}  // namespace strata::compiler::tune
