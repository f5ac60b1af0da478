// Programs for bindings that a plan can't run: those that empty an axis (docs/decisions/0012).
//
// Kernels are written for symbolic extents of 1 or more: an address that is clamped into an axis, and a division by its
// extent, have nowhere to go on an empty one. Where a binding makes an extent 0, its numbers are written into the
// recorded program, whose rules then see the empty axis, and that is compiled: once for all bindings with these
// numbers, since the other symbols stay. Guards in the kernels instead would cost every load of every program with a
// symbolic batch, for a size that hardly ever comes.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "strata/base/recent/recent_table.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/graph/interpret.h"
#include "strata/runtime/execute/binding.h"

namespace strata::runtime {

class Executable;

using CompileFunction = std::function<std::shared_ptr<const Executable>(const std::shared_ptr<const ir::Graph>&)>;

class OwnPrograms {
 public:
  /// `recorded` gives the program as its user wrote it, when it is needed. Without `compile` a binding that needs a
  /// program of its own is refused (E0324).
  OwnPrograms(RecordedGraph recorded, std::vector<ir::EntryCondition> entry, CompileFunction compile)
      : recorded_(std::move(recorded)), entry_(std::move(entry)), compile_(std::move(compile)) {}

  /// The program for a binding that breaks a condition of entry; null if the plan can run it after all. Throws what the
  /// type rules say of these extents.
  std::shared_ptr<const Executable> of(const ir::DimBinding& dims);

 private:
  ir::DimBinding numbers_in_empty_extents(const ir::DimBinding& dims) const;

  RecordedGraph recorded_;
  std::vector<ir::EntryCondition> entry_;
  CompileFunction compile_;
  std::mutex lock_;  ///< held while one is compiled
  base::RecentTable<std::shared_ptr<const Executable>> programs_{64};
};

}  // namespace strata::runtime
