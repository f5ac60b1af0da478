// Writes a tokenizer as a `tokenizer.json` of the Hugging Face `tokenizers` library, which encodes identically with it.
#pragma once

#include <string>

#include "strata/text/bpe/tokenizer.h"

namespace strata::text {

/// The file's text: indented JSON, vocabulary in id order, merges as pairs, special tokens in the vocabulary too.
std::string tokenizer_json(const Tokenizer& tokenizer);

/// Writes it to `path` in one step. Throws E0002.
void save_tokenizer(const Tokenizer& tokenizer, const std::string& path);

}  // namespace strata::text
