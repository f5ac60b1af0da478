// What an object file of `strata compile --object` holds and strata_create() reads: the layout that both agree on.
//
//   strata_NAME_program -> | format | counts | image | kernels | weights |     strata_program, read-only data
//                             image:   a program file without machine code (runtime/program/program_file.h)
//                             kernels: | run | needs | run | needs | ...      in the order that the image counts
//                             weights: | name of a parameter | elements | ...
//
// The object's code and data are linked by the system's linker, so all of these are plain C types.
#pragma once

#include <cstdint>

#include "strata/runtime/kernel_abi.h"

extern "C" {

struct strata_linked_kernel {
  strata::runtime::KernelFunction run;
  strata::runtime::KernelNeedsFunction needs;
};

struct strata_linked_weight {
  const char* parameter;
  const void* elements;
};

struct strata_program {
  uint64_t format;  ///< strata::embed::kObjectFormat
  const void* image;
  uint64_t image_bytes;
  const strata_linked_kernel* kernels;
  uint64_t kernel_count;
  const strata_linked_weight* weights;
  uint64_t weight_count;
};
}

namespace strata::embed {

/// Raised when the order or the meaning of the fields changes.
inline constexpr uint64_t kObjectFormat = 1;

}  // namespace strata::embed
