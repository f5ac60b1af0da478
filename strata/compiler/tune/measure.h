// What a schedule is worth: compiled and run in a child process (child_process.h), against the best one so far.
//
// Both run on the same arrays, in turn, so that what else the machine does falls on both; a sample is as many runs as
// take a fifth of a millisecond, and the answer is the median of the samples' quotients. One that is clearly slower is
// let go after a few. Before it is timed, every result is compared bit for bit with that of the best one, whose own
// results were compared in the same way with those of the heuristic's schedule.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/compiler/backends/target.h"
#include "strata/compiler/tune/child_process.h"
#include "strata/compiler/tune/space.h"
#include "strata/ir/host_array.h"

namespace strata::compiler::tune {

enum class Outcome : uint8_t { Measured, WrongBits, Failed, Crashed, TimedOut };
std::string_view outcome_name(Outcome outcome);

struct Trial {
  Outcome outcome = Outcome::Measured;
  double quotient = 1;  ///< of the candidate's time and that of the incumbent; below 1: it is faster
  double seconds = 0;   ///< one launch
  std::string reason;   ///< why it was not measured
};

enum class Effort : uint8_t {
  Quick,     ///< some 50 ms at most
  Thorough,  ///< for what may be kept: three times the samples, no early end
};

/// How a candidate is measured; a test gives one of its own.
class Bench {
 public:
  virtual ~Bench() = default;
  /// Against the incumbent.
  virtual Trial measure(const std::string& rewrites, Effort effort) = 0;
  /// Makes it the incumbent. False when that failed; then nothing has changed.
  virtual bool promote(const std::string& rewrites) = 0;
};

struct BenchOptions {
  int threads = 1;  ///< one: by processor time, which others' work does not count in; more: by the clock
  ChildLimits limits;
};

class KernelBench final : public Bench {
 public:
  /// The heuristic's schedule is the first incumbent. Inputs are random: floats in -1..1, positions 0 or 1. Throws what
  /// the target throws, and E0112 without memory.
  KernelBench(NaiveKernel naive, const Target& target, std::vector<int64_t> dims, BenchOptions options = {});
  ~KernelBench() override;

  Trial measure(const std::string& rewrites, Effort effort) override;
  bool promote(const std::string& rewrites) override;

 private:
  struct Code;
  Code compiled(const std::string& rewrites) const;
  std::string run(const std::string& rewrites, Effort effort) const;

  NaiveKernel naive_;
  const Target& target_;
  std::vector<int64_t> dims_;
  BenchOptions options_;
  std::vector<ir::HostArray> buffers_;  ///< an array for each parameter
  std::vector<bool> is_written_;        ///< of them
  std::unique_ptr<Code> incumbent_;
};

}  // namespace strata::compiler::tune
