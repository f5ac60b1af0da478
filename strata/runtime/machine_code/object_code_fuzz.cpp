// libFuzzer target of the linker of objects: no bytes may crash it, whatever they say of offsets, sizes and symbols.
// What is accepted is not run.
#include <cstdint>

#include "strata/base/error/error.h"
#include "strata/runtime/machine_code/object_code.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  try {
    strata::runtime::ObjectCode::load({bytes, bytes + size})->find("kernel");
  } catch (const strata::base::Error&) {
  }
  return 0;
}
