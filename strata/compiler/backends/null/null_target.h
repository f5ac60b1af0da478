// The target that accepts nearly every kernel and computes nothing: the pattern for new back ends, and a way to time
// everything around the code generator. Its objects are the list of kernel names; its kernels have no tasks.
//
//   | "NULL" | kernel name, zero byte | kernel name, zero byte | ... |
#pragma once

#include <atomic>

#include "strata/compiler/backends/target.h"

namespace strata::compiler::null_backend {

class NullTarget final : public Target {
 public:
  std::string_view name() const override { return "null"; }
  std::string_view isa() const override { return "null"; }
  std::string fingerprint() const override { return "null"; }
  /// As a machine of blocks and threads might have them.
  std::span<const MemorySpace> memory_spaces() const override;
  /// A target could leave loops as they are, or choose for itself: here. This one takes what a small CPU would get.
  ir::loops::Kernel schedule(const ir::loops::Kernel& naive, ScheduleReport* report,
                             const ScheduleOptions& options) const override;
  /// Blocks that share more memory than there is.
  std::optional<std::string> refusal(const ir::loops::Kernel& kernel) const override;
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override;
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override;
  /// It claims softmax, to show how: a real backend looks at attributes and types, too.
  std::optional<std::string> composite_refusal(const ir::Node& composite) const override;
  /// And what multiplies and then adds, as "multiply_add", with a cache line to itself.
  std::optional<Pattern> pattern_ending_at(const ir::Node& root) const override;
  ir::Dim workspace_bytes(const ir::Node& composite) const override;
  Object compile_composite(const ir::Node& composite, std::string_view kernel_name,
                           std::span<const std::string> dims) const override;

  /// What was compiled so far, with every dimension taken as 1.
  struct Counts {
    int64_t kernels = 0, composites = 0, operations = 0, bytes = 0;
  };
  Counts counts() const { return {kernels_.load(), composites_.load(), operations_.load(), bytes_.load()}; }

 private:
  mutable std::atomic<int64_t> kernels_{0}, composites_{0}, operations_{0}, bytes_{0};
};

}  // namespace strata::compiler::null_backend
