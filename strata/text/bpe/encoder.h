// Encodes text with a tokenizer, remembering the words it has seen. One Encoder a thread; the tokenizer is shared.
#pragma once

#include <string_view>
#include <vector>

#include "strata/text/bpe/tokenizer.h"
#include "strata/text/bpe/word_cache.h"
#include "strata/text/bpe/word_merger.h"

namespace strata::text {

class Encoder {
 public:
  /// The tokenizer must outlive the encoder.
  explicit Encoder(const Tokenizer& tokenizer)
      : tokenizer_(&tokenizer), merger_(tokenizer.merge_table(), tokenizer.byte_tokens()) {}

  /// Appends the tokens of `text` to `ids`. Any bytes will do; the same text gives the same tokens always.
  ///
  ///   Encoder encoder(tokenizer);
  ///   for (std::string_view line : lines) encoder.encode(line, ids);
  void encode(std::string_view text, std::vector<TokenId>& ids);

 private:
  void encode_pass(std::size_t pass, std::string_view text, std::vector<TokenId>& ids);
  void encode_plain(std::string_view text, std::vector<TokenId>& ids);

  const Tokenizer* tokenizer_;
  WordCache cache_;
  WordMerger merger_;
};

}  // namespace strata::text
