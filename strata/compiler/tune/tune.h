// Tunes the kernels of a program: searches for schedules that are faster here than the heuristic's (search.h), and
// spends the trials where the program's time is (task_scheduler.h). Every schedule that is kept gives the bits of the
// heuristic's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/loop/schedule_database.h"
#include "strata/compiler/tune/search.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler::tune {

struct TunedKernel {
  std::string name;  ///< "fusion.1f2a88d1"
  std::string node;  ///< the node's op and where it was recorded
  base::Hash128 nest;
  int64_t launches = 1;                            ///< in a run of the program
  double heuristic_seconds = 0, best_seconds = 0;  ///< of one launch
  double bound_seconds = 0;                        ///< at the machine's peaks as measured; not above heuristic_seconds
  std::string heuristic, best;                     ///< rewrites; equal: nothing better was found
  int trials = 0;
  std::array<int, 5> outcomes{};       ///< of the trials, by Outcome
  std::array<std::string, 5> reasons;  ///< the first of each, with the schedule
  std::vector<double> progress;        ///< best time by the heuristic's, after each trial
  std::string untuned;                 ///< why there was nothing to tune; empty: it was tuned
};

struct TuneProgress {
  double seconds = 0;  ///< since the start
  int trials = 0;
  double program_seconds = 0, heuristic_seconds = 0;  ///< of the tuned kernels of one run of the program
};

/// One schedule that was tried.
struct MeasuredSchedule {
  const TunedKernel& kernel;
  const std::string& rewrites;
  double relative;  ///< its time by that of the heuristic's; infinite: it gave none
};

struct TuneOptions {
  const Target* target = nullptr;                     ///< else chosen_target(); the host has to run it
  std::vector<std::pair<std::string, int64_t>> dims;  ///< of the program's symbols
  double seconds = 60;                                ///< of all, measuring the heuristic's schedules included
  int64_t trials = 0;                                 ///< at most; 0: as many as the time allows
  std::optional<int> kernel;                          ///< only this one, as strata explain counts them
  int threads = 1;
  uint64_t seed = 0;
  ChildLimits limits;                     ///< of a trial
  const ScheduleSource* known = nullptr;  ///< what it has for a nest is tried first
  SearchOptions search;
  std::function<void(const TuneProgress&)> on_trial;
  std::function<void(const MeasuredSchedule&)> on_measured;  ///< after each trial; the heuristic's schedule first
  std::function<void(const ScheduleDatabase&)> on_better;    ///< with the schedule that is now the best of its kernel
  std::function<bool()> should_stop;                         ///< asked before each trial
  /// Instead of KernelBench; tests give one.
  std::function<std::unique_ptr<Bench>(const NaiveKernel&, const std::vector<int64_t>& dims)> make_bench;
};

struct TuneResult {
  std::vector<TunedKernel> kernels;  ///< distinct nests, in the order of the program
  std::string target;                ///< "avx2"
  int threads = 1;
  double seconds = 0;
  int trials = 0;
  bool was_stopped = false;  ///< by should_stop
  /// The schedules that are faster than the heuristic's.
  ScheduleDatabase faster() const;
};

/// E0750 for a kernel that the program doesn't have, E0344 for a symbol without a size or a size without its symbol.
TuneResult tune(const ir::Graph& graph, const TuneOptions& options);

}  // namespace strata::compiler::tune
