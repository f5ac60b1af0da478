// A compiled program as a file: plan, machine code, conditions of entry, and where its weights are to be found. It
// loads in milliseconds and runs in a process that has no compiler.
//
//   write_program("gpt.strata", program, {.weights = {{"wte.weight", "model.safetensors", "wte.weight"}}});
//   ProgramFile file = read_program("gpt.strata", {.ops = ops::op_table()});
//   file.program->run(arguments);
//
//   | "STRATAPF" | format: u32 | 0: u32 | bytes of the rest: u64 | hash of the rest: 2 u64 |     little-endian
//   | build | level | recorded program | plan | weights | objects | kernels of the plan, its regions and its prologue |
//
// A text is its length (u64) and its bytes; a list is its length (u64) and its entries. The recorded program stands
// there as its user wrote it: another build, or a CPU without the level, compiles it anew where a compiler is given.
//
// A program file is code: the hash finds damage, not malice. Run those of people whose programs you would run.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/own_programs.h"

namespace strata::runtime {

/// The parameter of the program that is the tensor `tensor` of the file `file`.
struct WeightReference {
  std::string parameter, file, tensor;
  bool operator==(const WeightReference&) const = default;
};

struct ProgramFileOptions {
  std::vector<WeightReference> weights;  ///< E0325 for a parameter that the program doesn't have
  bool with_recorded = true;             ///< else whoever reads gives the recorded program (ReadProgramOptions)
};
/// E0002 when the file can't be written: then the old one is still there. E0325 for a program that has no machine code
/// of this machine (the null backend's).
void write_program(const std::string& path, const Executable& program, const ProgramFileOptions& options = {});

struct ReadProgramOptions {
  const ir::OpTable& ops;
  /// For what the file's code can't do: another build's or CPU's program, and bindings that empty an axis.
  CompileFunction compile = nullptr;
  /// The same for regions and the prologue; null: as the program.
  CompileFunction compile_part = nullptr;
  /// The program as its user wrote it, with the names that it has; null: as the file has it. Who has it can compile it
  /// himself, so E0323 is not gone round then.
  RecordedGraph recorded = nullptr;
};
struct ProgramFile {
  std::shared_ptr<const Executable> program;
  std::vector<WeightReference> weights;
  std::string recompiled;  ///< why the program was compiled anew; empty: the file's code runs
};
/// E0001 without the file, E0003 for one that is damaged or none; E0323 with both names for another build's or for a
/// level that this CPU lacks, unless it can be compiled anew.
ProgramFile read_program(const std::string& path, const ReadProgramOptions& options);

/// A program whose machine code comes into the process by another way, by the system's linker (embed/) or from the
/// compile cache: the file's bytes without it, and the kernels that it counts on, in this order.
struct LinkedKernel {
  std::shared_ptr<const ObjectCode> object;
  std::string name;
};
struct ProgramImage {
  std::string bytes;
  std::vector<LinkedKernel> kernels;
};
/// E0325 as for write_program.
ProgramImage program_image(const Executable& program, const ProgramFileOptions& options = {});
/// Of the kernels without their dimensions, which the image has. The code of those that don't keep it themselves lives
/// as long as the program, and so does `image` where it has the recorded program; `source` names it in messages. Errors
/// as of read_program.
ProgramFile read_program_image(std::span<const std::byte> image, const std::string& source,
                               std::span<const BoundKernel> kernels, const ReadProgramOptions& options);

}  // namespace strata::runtime
