// Reads a `tokenizer.json` of the Hugging Face `tokenizers` library: byte-level BPE with GPT-2's pre-tokeniser.
//
// The file decides how text is encoded, so a setting that would encode differently from this library's tokenizer is
// refused by name (E0611), not passed over. The bytes are untrusted: sizes are bounded and nothing is assumed.
#pragma once

#include <string>
#include <string_view>

#include "strata/base/error/error.h"
#include "strata/text/bpe/tokenizer.h"

namespace strata::text {

/// Largest file that is read.
constexpr std::size_t kMaxTokenizerFileBytes = std::size_t{256} << 20;

/// Parses the text of a file; `source` names it in messages. Merges may be spelled "a b" or ["a", "b"].
/// Errors: E0004 (no JSON), E0610, E0611, E0614, E0615.
base::Result<Tokenizer> parse_tokenizer(std::string_view text, std::string_view source);

/// Reads and parses a file. Errors: those of parse_tokenizer, and E0001.
base::Result<Tokenizer> load_tokenizer(const std::string& path);

}  // namespace strata::text
