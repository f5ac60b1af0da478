// Links object bytes into the process with ORC and JITLink. Symbols outside the object are the few functions of libm
// that kernels may call and the memory functions that LLVM may call by itself; nothing else of the process can be
// reached.
#pragma once

#include <memory>
#include <span>

#include "strata/compiler/backends/backend.h"

namespace strata::compiler::llvm_backend {

class ObjectLoader : public std::enable_shared_from_this<ObjectLoader> {
 public:
  static std::shared_ptr<ObjectLoader> make();
  virtual ~ObjectLoader() = default;
  virtual std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) = 0;
};

}  // namespace strata::compiler::llvm_backend
