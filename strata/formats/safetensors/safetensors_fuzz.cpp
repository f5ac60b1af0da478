// libFuzzer target: any bytes are refused with an error or give tensors that lie inside them.
#include <cstddef>
#include <cstdint>

#include "strata/base/error/codes/data_codes.h"
#include "strata/formats/safetensors/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = formats::SafetensorsFile::parse(bytes, "input");
  if (!file) return 0;
  std::size_t covered = 0;
  for (const formats::TensorEntry& entry : file->entries()) {
    covered += file->bytes(entry).size();
    try {
      if (static_cast<std::size_t>(file->array(entry).bytes()) != file->bytes(entry).size()) __builtin_trap();
    } catch (const base::Error& error) {
      if (error.code() != base::code::kMalformedSafetensors) __builtin_trap();
    }
  }
  if (covered > size) __builtin_trap();
  return 0;
}
