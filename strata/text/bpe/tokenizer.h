// A byte-level BPE tokenizer: vocabulary, merges, special tokens. Immutable, so threads may share one.
//
// Text is cut at special tokens, then into words (pretokenize/gpt2_split.h), and each word's bytes are merged. All 256
// single bytes are in the vocabulary: every byte string encodes, and decodes to itself exactly.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/text/bpe/merge_table.h"
#include "strata/text/bpe/special_tokens.h"
#include "strata/text/bpe/token.h"

namespace strata::text {

/// What a tokenizer consists of, before it is checked.
struct TokenizerParts {
  std::vector<std::string> tokens;  // by id, as bytes; empty: the id is unused or a special token's
  std::vector<Merge> merges;        // by rank
  std::vector<SpecialToken> special_tokens;
};

enum class SpecialOutput { Keep, Skip };

class Tokenizer {
 public:
  /// Checks the parts: all 256 bytes there, no token twice (spelled as in the file), each merge's result the joined
  /// bytes of its operands, special tokens distinct and of 1 to kMaxSpecialBytes bytes of valid UTF-8. Errors: E0614,
  /// E0615.
  static base::Result<Tokenizer> make(TokenizerParts parts);

  static constexpr std::size_t kMaxSpecialBytes = 1024;

  /// One more than the largest id: the rows of an embedding table.
  std::size_t vocabulary_size() const { return parts_.tokens.size(); }

  /// The bytes of a token, which need not be whole UTF-8 characters. Throws E0613 for an id outside the vocabulary.
  std::string_view bytes(TokenId id) const;

  /// The id of a special token by its content.
  std::optional<TokenId> special_id(std::string_view content) const;

  bool is_special(TokenId id) const;

  /// The tokens of `text`. For much text in pieces keep an Encoder (bpe/encoder.h), whose cache outlives the call.
  std::vector<TokenId> encode(std::string_view text) const;

  /// The bytes of all tokens end to end. Throws E0613.
  ///
  ///   tokenizer.decode(tokenizer.encode(text)) == text
  std::string decode(std::span<const TokenId> ids, SpecialOutput special = SpecialOutput::Keep) const;

  /// The parts as given to make(), where each special token has its content in `tokens` too.
  const TokenizerParts& parts() const { return parts_; }

  const MergeTable& merge_table() const { return merges_; }
  const std::array<TokenId, 256>& byte_tokens() const { return byte_tokens_; }

  /// Special tokens are looked for in two passes: those of the first finder, then, in what is left, the second's.
  const std::array<SpecialTokenFinder, 2>& special_finders() const { return finders_; }

 private:
  explicit Tokenizer(TokenizerParts parts) : parts_(std::move(parts)) {}

  using TokenIds = std::unordered_map<std::string_view, TokenId>;

  std::optional<base::Error> check_tokens(TokenIds& ids);
  std::optional<base::Error> check_merges() const;
  std::optional<base::Error> add_special_tokens(const TokenIds& ids);

  TokenizerParts parts_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_{};
  std::array<SpecialTokenFinder, 2> finders_;
  std::vector<bool> special_;  // by id: hidden by SpecialOutput::Skip
};

}  // namespace strata::text
