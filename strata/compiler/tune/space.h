// The schedules that a nest may have, as a tuner walks through them: drawn at random (choose/variation.h), changed in a
// few numbers, or crossed. Genes are the numbers of the rewrites (loop/rewrites.h), whatever the kind of the schedule;
// what must be a multiple of what is put right afterwards, and loop/schedule.h is the judge: a text that it refuses is
// drawn again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/random/splitmix64.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/compiler/tune/features.h"
#include "strata/ir/loops/kernel.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler::tune {

/// Each call makes a new kernel: what a schedule adds to its context goes with it.
using NaiveKernel = std::function<ir::loops::Kernel()>;

struct Candidate {
  std::string rewrites;  ///< as the schedule prints itself: equal texts are equal schedules
  std::vector<float> features;
};

/// Changes one to three numbers or choices of a list of rewrites.
std::vector<Rewrite> mutated(std::vector<Rewrite> rewrites, base::SplitMix64& random);
/// Each number from one of the two; nothing when they are of different kinds.
std::optional<std::vector<Rewrite>> crossed(const std::vector<Rewrite>& a, const std::vector<Rewrite>& b,
                                            base::SplitMix64& random);

class ScheduleSpace {
 public:
  ScheduleSpace(NaiveKernel naive, const machine::VectorUnit& vectors, std::vector<int64_t> dims);

  /// What the heuristic chooses; nothing where it leaves the kernel as written.
  std::optional<Candidate> heuristic() const;
  /// The schedule of a text; nothing when it is none of this nest, `refusal` says why.
  std::optional<Candidate> of(const std::string& rewrites, std::string* refusal = nullptr) const;
  /// A legal one, or nothing when several draws gave none.
  std::optional<Candidate> random(base::SplitMix64& random) const;
  std::optional<Candidate> mutation(const Candidate& parent, base::SplitMix64& random) const;
  std::optional<Candidate> crossing(const Candidate& a, const Candidate& b, base::SplitMix64& random) const;

 private:
  std::optional<Candidate> varied(uint64_t variation) const;

  NaiveKernel naive_;
  machine::VectorUnit vectors_;
  std::vector<int64_t> dims_;
};

}  // namespace strata::compiler::tune
