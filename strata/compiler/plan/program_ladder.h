// A program that takes less memory from rung to rung, for more time, down to the least that is found: by kernels that
// run again (plan/recompute.h), in the program and in the regions of its loops, and by scans in segments, which compute
// again what they kept for the way back (plan/loop_segments.h). Of what can be done next, that is done which frees most
// for its time.
//
// The rungs depend on the program and the sizes alone, and each holds less than the one before, so whoever takes the
// first that fits a budget takes no more with a smaller one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "strata/compiler/plan/loop_segments.h"
#include "strata/compiler/plan/program_parts.h"
#include "strata/compiler/plan/recompute.h"
#include "strata/compiler/plan/repeat_costs.h"

namespace strata::compiler {

class ProgramLadder {
 public:
  /// Begins with the program as it is. `dims` outlives it.
  ProgramLadder(const std::shared_ptr<const ProgramParts>& parts, const ir::DimBinding& dims);
  ~ProgramLadder();

  /// Goes to the next rung; false: nothing more was found, and the program is the last rung's.
  bool next();
  const std::shared_ptr<const runtime::Executable>& program() const { return rung_; }
  /// What a run of the rung takes (plan/memory_budget.h).
  int64_t bytes() const { return rung_bytes_; }
  /// What a run of the rung takes longer than the program as it was; compared, not believed.
  double seconds() const { return rung_seconds_; }

 private:
  using Sequence = std::vector<const ir::Node*>;
  struct Version;
  struct Step;
  struct LoopRegion;

  Version assembled(const std::shared_ptr<const ProgramParts>& parts, const Sequence* sequence,
                    const RegionPrograms& regions) const;
  double seconds_of(const Sequence& sequence) const;
  double steps_of(const ir::Node& loop) const;
  double seconds_of_body(const ir::Graph* region) const;
  void start();
  std::optional<Step> best_step();
  std::optional<Step> repeated_kernels();
  std::optional<Step> smaller_region();
  std::optional<Step> loop_in_segments();
  std::optional<Step> in_segments(const ScanPair& pair) const;

  const ir::DimBinding& dims_;
  std::unique_ptr<Version> now_;
  std::unique_ptr<RepeatCosts> costs_;                  ///< of the parts; null: nobody has asked for another rung
  std::unique_ptr<RecomputeLadder> kernels_;            ///< the same
  std::unique_ptr<Sequence> sequence_, next_sequence_;  ///< that runs now, null: as planned; null: none is known
  bool has_next_sequence_ = true;
  std::map<const ir::Graph*, std::unique_ptr<LoopRegion>> regions_;
  double loop_seconds_ = 0;  ///< of loops in segments
  std::shared_ptr<const runtime::Executable> rung_;
  int64_t rung_bytes_ = 0;
  double rung_seconds_ = 0;
};

}  // namespace strata::compiler
