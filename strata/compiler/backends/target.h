// What a target is: the machine that a program is compiled for. It owns the instruction set and its features, the
// spaces of memory that a kernel can name, the choice of schedules, and the compiler that turns scheduled loop programs
// into objects (bytes that a cache can keep) and objects into kernels that run on its device. It names no op; what it
// can't compile it refuses with a reason, which `strata explain` prints. It may claim composites by name, and patterns
// of nodes that it finds itself: one node then, for which it has a better way than the loops of the body.
//
// A back end, the code behind one or several targets, is added by copying null/ and passing the conformance tests.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/compiler/loop/schedule.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/loops/kernel.h"
#include "strata/machine/vector_unit.h"
#include "strata/runtime/device/device.h"
#include "strata/runtime/machine_code/object_code.h"

namespace strata::compiler {

using Object = std::vector<std::byte>;

using runtime::LoadedKernel;

/// Kernels in memory; their code lives as long as this.
class LoadedObject {
 public:
  virtual ~LoadedObject() = default;
  /// Throws E0312 when the object has no kernel of that name.
  virtual LoadedKernel find(std::string_view kernel_name) const = 0;
  /// Its machine code, which a program file can hold; null when it is none of this machine's.
  virtual std::shared_ptr<const runtime::ObjectCode> native() const { return nullptr; }
};

/// Nodes for which a back end has one kernel.
struct Pattern {
  std::string name;                    ///< of the composite that they become; composite_refusal() accepts it
  std::vector<const ir::Node*> nodes;  ///< of one graph, without regions and effects
};

/// Memory that a kernel of a target can name.
struct MemorySpace {
  std::string_view name;  ///< "memory": where arrays lie; "shared": what the threads of a block have together
  int64_t bytes = 0;      ///< that a kernel, or one of its blocks, may take; 0: as much as there is
};

/// Any thread may call any of these at any time.
class Target {
 public:
  virtual ~Target() = default;
  /// As a user asks for it (backends.h): "llvm-avx2", "null".
  virtual std::string_view name() const = 0;
  /// The instruction set, by which databases of schedules and program files know it: "avx2".
  virtual std::string_view isa() const = 0;
  /// What the bytes of its objects depend on besides the kernels and Strata's own sources: the version of a library,
  /// features of the instruction set. Part of cache keys.
  virtual std::string fingerprint() const = 0;
  /// Where its kernels run.
  virtual const runtime::Device& device() const { return runtime::host_device(); }
  virtual std::span<const MemorySpace> memory_spaces() const;
  /// Vectors for which weights are laid out ahead and loops are tiled (compiler/loop); nothing: it has no such.
  virtual std::optional<machine::VectorUnit> vector_unit() const { return std::nullopt; }
  /// The loops that are compiled for a naive kernel. The default chooses for vector_unit(), and without one leaves the
  /// kernel as it is written. Throws as schedule() of loop/schedule.h does.
  virtual ir::loops::Kernel schedule(const ir::loops::Kernel& naive, ScheduleReport* report = nullptr,
                                     const ScheduleOptions& options = {}) const;
  /// Why this kernel can't be compiled, or nothing.
  virtual std::optional<std::string> refusal(const ir::loops::Kernel& kernel) const = 0;
  /// Compiles kernels with distinct names into one object; the same kernels give the same bytes. Throws E0310 with the
  /// reason if one is refused.
  virtual Object compile(std::span<const ir::loops::Kernel* const> kernels) const = 0;
  virtual std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const = 0;
  /// Whether its kernels look at what they store (Kernel::looked_at); else the executor reads it again.
  virtual bool looks_at_results() const { return false; }
  /// The code of kernels as text, for `strata explain`; empty where there is nothing to read.
  virtual std::string listing(std::span<const ir::loops::Kernel* const>) const { return ""; }

  /// Why a composite is left to its body, or nothing: then it is claimed, stays one node, and compile_composite makes
  /// its kernel. The node has the name, the attributes and the types; its region is the body. The answer depends on
  /// these alone.
  virtual std::optional<std::string> composite_refusal(const ir::Node&) const { return "it claims no composites"; }
  /// The pattern whose last node this is, if there is one: asked just before fusion (graph/claim_patterns.h).
  virtual std::optional<Pattern> pattern_ending_at(const ir::Node&) const { return std::nullopt; }
  /// Bytes of memory that the kernel of a claimed composite has to itself while it runs, not initialised, 64-byte
  /// aligned: one more buffer after the results, if they are more than the constant 0.
  virtual ir::Dim workspace_bytes(const ir::Node&) const { return ir::Dim(0); }
  /// An object with a kernel of this name for a composite that was claimed. The kernel's buffers are the operands, the
  /// results and perhaps the workspace; its dimensions are `dims`, in this order.
  virtual Object compile_composite(const ir::Node& composite, std::string_view kernel_name,
                                   std::span<const std::string> dims) const;
};

}  // namespace strata::compiler
