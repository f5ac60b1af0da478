// Kernels of a program as code: from memory, from the cache on disk, or compiled now on all threads.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strata/compiler/cache/kernel_cache.h"
#include "strata/compiler/cache/program_cache.h"
#include "strata/compiler/program_kernels.h"

namespace strata::compiler {

/// A kernel in memory, shared by all programs that hold it.
struct ReadyKernel : KnownKernel {
  LoadedKernel code;
  std::shared_ptr<const LoadedObject> object;
};

/// A node, and the schedule that its kernel gets; empty: the one that is best.
struct WantedKernel {
  const ir::Node* node;
  std::string rewrites;
};

/// Positions among a kernel's parameters of the results that it looks at, by its node.
using LookedAt = std::map<const ir::Node*, std::vector<int>>;

class KernelMaker {
 public:
  explicit KernelMaker(const KernelLowering& lowering) : lowering_(lowering), target_(lowering.target()) {}

  /// The ready kernels, in order, and their names. In strict mode E0315 before any is compiled.
  std::vector<ReadyKernel> make(std::span<const WantedKernel> wanted, const LookedAt& looked_at,
                                std::vector<std::string>& names, const ir::Facts& facts) const;

  /// Kernels that were made before, in order, from memory or the cache on disk; nothing if one of them is not there.
  std::optional<std::vector<ReadyKernel>> find(std::span<const KnownKernel> wanted) const;

 private:
  struct Pending;
  void require_schedule_of(const Pending& kernel, const ir::Facts& facts) const;
  void make_ready(Pending& kernel, const ir::Facts& facts) const;
  ir::loops::Kernel compile_loops(const Pending& kernel, const ir::Facts& facts, CachedKernel& made) const;
  bool load(ReadyKernel& kernel) const;
  static void tell(const KnownKernel& kernel, const CachedKernel& made);

  const KernelLowering& lowering_;
  const Target& target_;
  KernelCache disk_;
};

}  // namespace strata::compiler
