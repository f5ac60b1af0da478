// LLVM target machines, one kind per CPU target, kept in a pool: making one costs as much as compiling a small kernel,
// and one serves one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "strata/machine/cpu_target.h"

namespace llvm {
class TargetMachine;
}

namespace strata::compiler::llvm_backend {

class MachinePool {
 public:
  MachinePool();
  ~MachinePool();

  /// A machine that returns to the pool when the lease ends.
  class Lease {
   public:
    Lease(MachinePool& pool, const machine::CpuTarget& cpu);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    llvm::TargetMachine& operator*() const { return *machine_; }
    llvm::TargetMachine* operator->() const { return machine_.get(); }

   private:
    MachinePool& pool_;
    machine::CpuTarget cpu_;
    std::unique_ptr<llvm::TargetMachine> machine_;
  };

 private:
  std::mutex mutex_;
  std::map<std::string_view, std::vector<std::unique_ptr<llvm::TargetMachine>>>
      idle_;  ///< by target; guarded by mutex_
};

}  // namespace strata::compiler::llvm_backend
