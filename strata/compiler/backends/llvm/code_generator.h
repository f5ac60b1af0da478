// Loop programs to x86-64 machine code. The one way into LLVM; free of its headers.
//
//   CodeGenerator generator;
//   const Kernel* kernels[] = {&kernel};
//   Object object = generator.compile(kernels, machine::chosen_cpu_target());   // bytes: cache them where you like
//   auto code = runtime::ObjectCode::load(object);
//   code->find(kernel.name).run(&context, buffers, dims, 0, tasks);
//
// The same kernels give the same bytes. Objects hold no addresses. Any thread may call any function.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "strata/compiler/backends/target.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler::llvm_backend {

/// Where the time of one compile() went, in milliseconds.
struct CompileTimes {
  double emit_ms = 0, optimise_ms = 0, machine_code_ms = 0;
};

enum class Listing {
  EmittedIr,    ///< LLVM IR before any pass
  OptimisedIr,  ///< after the passes
  Assembly,     ///< AT&T syntax
};

class CodeGenerator {
 public:
  CodeGenerator();
  ~CodeGenerator();

  /// Of LLVM: part of every cache key.
  static std::string version();
  /// Why a kernel can't be compiled, or nothing.
  static std::optional<std::string> refusal(const ir::loops::Kernel& kernel);

  /// An ELF object with `<name>.run` and `<name>.needs` of each kernel, for a CPU that the host need not be.
  /// Throws E0310 with the reason when a kernel is refused, E0900 when LLVM's verifier refuses the emitted code.
  Object compile(std::span<const ir::loops::Kernel* const> kernels, const machine::CpuTarget& cpu,
                 CompileTimes* times = nullptr) const;
  /// Text for `strata explain`.
  std::string listing(std::span<const ir::loops::Kernel* const> kernels, const machine::CpuTarget& cpu,
                      Listing what) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::compiler::llvm_backend
