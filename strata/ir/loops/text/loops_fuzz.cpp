// libFuzzer target of the loop program's parser and verifier: no text may crash them, and what they accept prints,
// parses again and prints the same, with the same hash; kernels of blocks are valid without them, too.
#include <cstdint>
#include <string>

#include "strata/ir/loops/blocks.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::ir::loops;
  const auto kernels = parse_kernels({reinterpret_cast<const char*>(data), size});
  if (!kernels.ok()) return 0;
  for (const Kernel& kernel : *kernels) {
    const std::string text = print(kernel);
    const auto again = parse_kernel(text);
    if (!again.ok() || print(*again) != text) __builtin_trap();
    if (structural_hash(*again) != structural_hash(kernel)) __builtin_trap();
    if (has_blocks(kernel) && find_fault(without_blocks(kernel))) __builtin_trap();
  }
  return 0;
}
