// The values of bounds and indices, as far as they follow from dimensions, loops and names that are known: for counting
// and for estimates, which have no run to look at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

class KnownValues {
 public:
  /// `dims`: of the kernel's dimensions, in their order. The kernel outlives this.
  KnownValues(const Kernel& kernel, std::span<const int64_t> dims);

  /// Within a loop its variable counts as its first value, until leave().
  void enter(const LoopVar* loop, std::optional<int64_t> first);
  void leave(const LoopVar* loop) { loops_.erase(loop); }
  /// What an immutable local stands for, if that is known.
  void declare(const Stmt& stmt);

  /// Of a scalar i64.
  std::optional<int64_t> of(Expr e) const;
  /// A symbol that isn't known counts as 1.
  int64_t of(Dim d) const;
  /// Iterations of a loop; nothing where a bound is not known.
  std::optional<int64_t> steps_of(const Stmt& loop) const;

 private:
  std::unordered_map<std::string_view, int64_t> dims_;
  std::unordered_map<const LoopVar*, int64_t> loops_;
  std::unordered_map<const Local*, int64_t> locals_;
};

}  // namespace strata::ir::loops
