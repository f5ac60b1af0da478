// LLVM target machines, one kind per ISA level, kept in a pool: making one costs as much as compiling a small kernel,
// and one serves one thread at a time.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "strata/runtime/machine/isa_level.h"

namespace llvm {
class TargetMachine;
}

namespace strata::compiler::llvm_backend {

class TargetPool {
 public:
  TargetPool();
  ~TargetPool();

  /// A machine that returns to the pool when the lease ends.
  class Lease {
   public:
    Lease(TargetPool& pool, runtime::IsaLevel level);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    llvm::TargetMachine& operator*() const { return *machine_; }
    llvm::TargetMachine* operator->() const { return machine_.get(); }

   private:
    TargetPool& pool_;
    runtime::IsaLevel level_;
    std::unique_ptr<llvm::TargetMachine> machine_;
  };

 private:
  std::mutex mutex_;
  std::array<std::vector<std::unique_ptr<llvm::TargetMachine>>, 3> idle_;  ///< guarded by mutex_
};

}  // namespace strata::compiler::llvm_backend
