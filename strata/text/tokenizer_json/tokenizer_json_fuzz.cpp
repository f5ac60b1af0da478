// libFuzzer target: any bytes are refused with an error or make a tokenizer that round-trips text and its own file.
#include <cstddef>
#include <cstdint>

#include "strata/text/tokenizer_json/load.h"
#include "strata/text/tokenizer_json/save.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const base::Result<text::Tokenizer> tokenizer = text::parse_tokenizer(text, "input");
  if (!tokenizer) return 0;
  const std::string_view sample = text.substr(0, 4096);
  const auto tokens = tokenizer->encode(sample);
  if (tokenizer->decode(tokens) != sample) __builtin_trap();
  const base::Result<text::Tokenizer> again = text::parse_tokenizer(text::tokenizer_json(*tokenizer), "saved");
  if (!again || again->encode(sample) != tokens) __builtin_trap();
  return 0;
}
