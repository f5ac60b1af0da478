// How the regions of cond, while and scan are run: in place, without a call of a program or an allocation per step.
// Regions read slices and constants where they lie and write slices of results where they belong. A carry that the
// region's plan writes in place (Plan::donations) lies in the result's memory through all steps; the others go to and
// fro between that and a spare one, so that the last step writes the result:
//
//   scan, 3 steps:   operand -> result -> spare -> result            while: operand -> result -> spare -> ...
//   in place:        operand, copied into the result where that is not the same memory; result = step(result), ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/plan/plan.h"

namespace strata::runtime {

using Pointers = std::span<std::byte* const>;

enum class Control : uint8_t {
  None,   ///< an op without regions, or one that runs them by its reference rule
  Cond,   ///< operand 0 ? region 0 : region 1, on the other operands
  While,  ///< `constants` | state: while (region 0) state = region 1
  Scan,   ///< `constants` | `carries` | slices along axis 0, `length` times, the last first if `reverse`
};
/// Operands and results as the attributes of that name divide them (ops/cond, while, scan).
Control control_of(const ir::Op& op);
/// What a loop would hand to its body's plan: result c in the memory of the carry that it becomes.
std::vector<ir::Donation> carry_donations(const ir::Node& node);

/// A region that was made ready for many runs.
class BoundRegion {
 public:
  virtual ~BoundRegion() = default;
  /// No result's memory is an argument's but that of a donation that the region's plan has.
  virtual void run(Pointers arguments, Pointers results) = 0;
};

class RegionLoop {
 public:
  /// `body`: the plan of the region that makes the next state.
  RegionLoop(const ir::Node& node, const ir::DimBinding& dims, const ir::Plan& body);

  /// Memory that run() needs beside operands and results.
  int64_t spare_bytes() const { return spare_bytes_; }
  void run(std::span<BoundRegion* const> regions, Pointers operands, Pointers results, std::byte* spare);

 private:
  void run_cond(std::span<BoundRegion* const> regions, Pointers operands, Pointers results);
  void run_while(std::span<BoundRegion* const> regions, Pointers operands, Pointers results, std::byte* spare);
  void run_scan(BoundRegion& body, Pointers operands, Pointers results, std::byte* spare);
  /// Where a step writes a carry.
  std::byte* carry_target(size_t c, bool to_result, Pointers results, std::byte* spare) const {
    return to_result || is_in_place_[c] ? results[c] : spare + spare_offsets_[c];
  }
  /// The arguments of the first step, which writes carries to the result or to the spare memory.
  void place_carries(bool to_result, Pointers operands, Pointers results, std::byte* spare);

  Control kind_;
  size_t constants_ = 0, carries_ = 0;
  int64_t length_ = 0;
  bool is_reverse_ = false;
  std::vector<int64_t> operand_steps_, result_steps_;  ///< bytes of a slice; 0 of what has none
  std::vector<int64_t> carry_bytes_, spare_offsets_;
  std::vector<bool> is_in_place_;  ///< by carry
  int64_t spare_bytes_ = 0;
  std::vector<std::byte*> arguments_, outputs_;  ///< of the step that runs
};

}  // namespace strata::runtime
