// libFuzzer target of the JSON parser: no text may crash it, and what it accepts prints, parses again and is the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/base/json/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::base;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Json> value = parse_json(text, "input");
  if (!value) return 0;
  const std::string line = value->dump();
  const Result<Json> again = parse_json(line, "printed");
  if (!again || again->dump() != line) __builtin_trap();
  const Result<Json> pretty = parse_json(value->dump_pretty(), "printed");
  if (!pretty || pretty->dump() != line) __builtin_trap();
  return 0;
}
