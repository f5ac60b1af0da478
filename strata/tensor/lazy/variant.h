// A compiled program for segments of a family: for certain numbers and sizes, or for any where these are its arguments
// and symbols.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/ir/host_array.h"
#include "strata/ir/plan/donation.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/lazy/segment.h"

namespace strata::lazy {

/// What is known of the numbers and sizes of a family.
struct Generality {
  std::vector<bool> changes;   ///< numbers that are arguments
  std::vector<ir::Dim> sizes;  ///< numbers, and symbols where they vary
};

class Variant {
 public:
  /// Compiles. Throws what the type rules say of symbols, and what compile() throws.
  Variant(const Segment& segment, Generality generality, const std::vector<ir::Donation>& donations);

  /// Whether the program gives what the segment means.
  bool fits(const Segment& segment) const;
  /// Of a segment that fits: what follows its own arguments.
  void add_numbers(const Segment& segment, std::vector<ir::HostArray>& arguments) const;
  const runtime::Executable& executable() const { return *executable_; }
  bool has_symbols() const { return !symbols_.empty(); }
  /// "S0 is 64: dimension 0 of operand 2": which sizes may be any.
  std::string explained() const;

 private:
  Generality generality_;
  std::vector<base::Hash128> values_;                    ///< of the numbers that don't change
  std::vector<std::pair<std::string, size_t>> symbols_;  ///< and which size has the value of each
  std::string explained_;
  std::shared_ptr<const runtime::Executable> executable_;
};

/// How many programs this process has compiled for lazy recordings, those of single ops included.
int64_t compiled_count();

}  // namespace strata::lazy
