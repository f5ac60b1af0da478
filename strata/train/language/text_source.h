// The text that a language model learns from, as tokens in files: found or built, tokenised once, and cached.
//
//   <cache>/tokens/<hash of text and vocabulary>/
//     tokenizer.json   trained on the training part
//     train.tokens  validation.tokens  held_out.tokens
#pragma once

#include <memory>
#include <string>

#include "strata/base/config/config.h"
#include "strata/data/tokens/token_file.h"
#include "strata/text/bpe/tokenizer.h"

namespace strata::train {

/// Ends a text; the only special token.
constexpr const char* kEndOfText = "<|endoftext|>";

struct TextSource {
  std::string name;  ///< "Debian's texts"
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::shared_ptr<const data::TokenFile> train, validation, held_out;
  std::string held_out_path;  ///< the held-out text itself; empty if it is not a file
  std::string text_hash;      ///< SHA-256 of all its parts: another text is another run
  uint64_t train_bytes = 0;   ///< of text
};

/// data.kind, data.path and model.vocabulary say which. Corpus: its held-out megabyte is held out, and the last
/// megabyte of the training part is for validation. Other texts: the last tenth is for validation, and held out as
/// well.
TextSource open_text_source(const base::Config& config);

}  // namespace strata::train
