// libFuzzer target: any bytes, compressed or not, are refused with an error or give an array that fits them.
#include <cstddef>
#include <cstdint>

#include "strata/data/gzip/gunzip.h"
#include "strata/data/idx/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (data::is_gzip(bytes)) {
    const auto text = data::gunzip(bytes, std::size_t{1} << 20, "input");
    if (text && text->size() > (std::size_t{1} << 20)) __builtin_trap();
    return 0;
  }
  const auto array = data::parse_idx(bytes, "input");
  if (array && static_cast<std::size_t>(array->bytes()) >= size) __builtin_trap();
  return 0;
}
