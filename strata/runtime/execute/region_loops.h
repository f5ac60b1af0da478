// How the regions of cond, while and scan are run: in place, without a call of a program or an allocation per step.
// Regions read slices and constants where they lie and write slices of results where they belong; carries go to and fro
// between the result's memory and a spare one, so that the last step writes the result:
//
//   scan, 3 steps:   operand -> result -> spare -> result            while: operand -> result -> spare -> ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"

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

/// A region that was made ready for many runs.
class BoundRegion {
 public:
  virtual ~BoundRegion() = default;
  /// No result's memory is an argument's.
  virtual void run(Pointers arguments, Pointers results) = 0;
};

class RegionLoop {
 public:
  RegionLoop(const ir::Node& node, const ir::DimBinding& dims);

  /// Memory that run() needs beside operands and results.
  int64_t spare_bytes() const { return spare_bytes_; }
  void run(std::span<BoundRegion* const> regions, Pointers operands, Pointers results, std::byte* spare);

 private:
  void run_cond(std::span<BoundRegion* const> regions, Pointers operands, Pointers results);
  void run_while(std::span<BoundRegion* const> regions, Pointers operands, Pointers results, std::byte* spare);
  void run_scan(BoundRegion& body, Pointers operands, Pointers results, std::byte* spare);
  /// Carries from argument to argument: where step writes them.
  std::byte* carry_target(size_t c, bool to_result, Pointers results, std::byte* spare) const {
    return to_result ? results[c] : spare + spare_offsets_[c];
  }

  Control kind_;
  size_t constants_ = 0, carries_ = 0;
  int64_t length_ = 0;
  bool is_reverse_ = false;
  std::vector<int64_t> operand_steps_, result_steps_;  ///< bytes of a slice; 0 of what has none
  std::vector<int64_t> carry_bytes_, spare_offsets_;
  int64_t spare_bytes_ = 0;
  std::vector<std::byte*> arguments_, outputs_;  ///< of the step that runs
};

}  // namespace strata::runtime
