// One compilation as the cache on disk has it (cache/program_cache.h): found before anything is done, kept when all is.
//
// A program from the cache is the one that was compiled: kernels, plan, names, positions. Its recorded graph is the one
// at hand, so that bindings that empty an axis are compiled as of a program that was compiled now. What the text of a
// plan can't say (ir/plan/same_plan.h) is noticed when the program is kept: then it isn't.
#pragma once

#include <memory>
#include <optional>

#include "strata/compiler/cache/program_cache.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/kernel_maker.h"
#include "strata/compiler/plan/program_parts.h"
#include "strata/compiler/program_kernels.h"

namespace strata::compiler {

class CachedCompilation {
 public:
  CachedCompilation(const std::shared_ptr<const ir::Graph>& graph, const CompileOptions& options);

  /// Null where the cache does not have it, and where passes are to be dumped. E0319 when it was cancelled.
  std::shared_ptr<const runtime::Executable> find() const;
  void keep(const runtime::Executable& program, const KnownKernels& kernels) const;

 private:
  std::shared_ptr<const runtime::Executable> assembled(const CachedProgram& cached,
                                                       std::span<const ReadyKernel> kernels) const;

  const std::shared_ptr<const ir::Graph> graph_;
  const CompileOptions& options_;
  const KernelLowering lowering_;
  const ProgramCache cache_;
  std::optional<base::Hash128> key_;  ///< nothing: the program is none for the cache
};

}  // namespace strata::compiler
