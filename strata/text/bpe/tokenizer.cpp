#include "strata/text/bpe/tokenizer.h"

#include <fmt/format.h>

#include "strata/base/error/codes/data_codes.h"
#include "strata/text/bpe/byte_alphabet.h"
#include "strata/text/bpe/encoder.h"
#include "strata/text/unicode/utf8.h"

namespace strata::text {

using base::Error;

base::Result<Tokenizer> Tokenizer::make(TokenizerParts parts) {
  Tokenizer tokenizer(std::move(parts));
  TokenIds ids;
  if (auto error = tokenizer.check_tokens(ids)) return *std::move(error);
  if (auto error = tokenizer.check_merges()) return *std::move(error);
  if (auto error = tokenizer.add_special_tokens(ids)) return *std::move(error);
  tokenizer.merges_ = MergeTable(tokenizer.parts_.merges);
  return tokenizer;
}

std::optional<Error> Tokenizer::check_tokens(TokenIds& ids) {
  const auto& tokens = parts_.tokens;
  if (tokens.size() > kMaxTokenId + std::size_t{1}) {
    return Error(base::code::kVocabularyConflict,
                 fmt::format("tokenizer: {} token ids, at most {}", tokens.size(), kMaxTokenId + 1));
  }
  ids.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) continue;
    const auto [first, fresh] = ids.emplace(tokens[id], id);
    if (!fresh) {
      return Error(base::code::kVocabularyConflict,
                   fmt::format("tokenizer: tokens {} and {} have the same bytes \"{}\"", first->second, id,
                               spell_bytes(tokens[id])));
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char one = static_cast<char>(byte);
    const auto found = ids.find(std::string_view(&one, 1));
    if (found == ids.end()) {
      return Error(
                 base::code::kVocabularyConflict,
                 fmt::format("tokenizer: no token for the byte {:#04x}, spelled \"{}\"", byte, spell_bytes({&one, 1})))
          .hint("train with all 256 bytes in the initial alphabet (ByteLevel.alphabet())");
    }
    byte_tokens_[byte] = found->second;
  }
  return std::nullopt;
}

std::optional<Error> Tokenizer::check_merges() const {
  const auto& tokens = parts_.tokens;
  for (std::size_t rank = 0; rank < parts_.merges.size(); ++rank) {
    const auto [left, right, result] = parts_.merges[rank];
    if (left >= tokens.size() || right >= tokens.size() || result >= tokens.size()) {
      return Error(base::code::kVocabularyConflict,
                   fmt::format("tokenizer: merge {} is ({}, {}) to {}, the vocabulary has {} ids", rank, left, right,
                               result, tokens.size()));
    }
    const std::size_t joined = tokens[left].size() + tokens[right].size();
    const bool same = tokens[result].size() == joined && tokens[result].starts_with(tokens[left]) &&
                      tokens[result].ends_with(tokens[right]);
    if (!same || tokens[left].empty() || tokens[right].empty()) {
      return Error(base::code::kVocabularyConflict,
                   fmt::format("tokenizer: merge {} joins \"{}\" and \"{}\" to \"{}\"", rank, spell_bytes(tokens[left]),
                               spell_bytes(tokens[right]), spell_bytes(tokens[result])));
    }
  }
  return std::nullopt;
}

std::optional<Error> Tokenizer::add_special_tokens(const TokenIds& ids) {
  special_.assign(parts_.tokens.size(), false);
  TokenIds seen;
  for (const SpecialToken& token : parts_.special_tokens) {
    const auto refuse = [&](std::string_view why) {
      return Error(base::code::kSpecialToken, fmt::format("tokenizer: special token {} \"{}\" {}", token.id,
                                                          replace_invalid_utf8(token.content).substr(0, 80), why));
    };
    if (token.content.empty()) return refuse("is empty");
    if (token.content.size() > kMaxSpecialBytes)
      return refuse(fmt::format("is longer than {} bytes", kMaxSpecialBytes));
    if (first_invalid_utf8(token.content) != token.content.size()) return refuse("is not valid UTF-8");
    if (token.id >= parts_.tokens.size()) {
      return refuse(fmt::format("has an id beyond the vocabulary of {}", parts_.tokens.size()));
    }
    if (!seen.emplace(token.content, token.id).second) return refuse("stands twice");
    std::string& bytes = parts_.tokens[token.id];
    if (!bytes.empty() && bytes != token.content) {
      return refuse(fmt::format("shares its id with the token \"{}\"", spell_bytes(bytes)));
    }
    const std::optional<std::string> spelled = unspell_bytes(token.content);
    const auto twin = spelled ? ids.find(*spelled) : ids.end();
    if (twin != ids.end() && twin->second != token.id) {
      return refuse(fmt::format("is spelled like token {}", twin->second));
    }
    bytes = token.content;
    special_[token.id] = token.special;
    finders_[token.normalized ? 1 : 0].add(token.content, token.id);
  }
  return std::nullopt;
}

std::string_view Tokenizer::bytes(TokenId id) const {
  if (id >= parts_.tokens.size()) {
    throw Error(base::code::kTokenOutOfRange,
                fmt::format("decode: token id {}, the vocabulary has {} ids", id, parts_.tokens.size()));
  }
  return parts_.tokens[id];
}

std::optional<TokenId> Tokenizer::special_id(std::string_view content) const {
  for (const SpecialToken& token : parts_.special_tokens) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

bool Tokenizer::is_special(TokenId id) const { return id < special_.size() && special_[id]; }

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  Encoder(*this).encode(text, ids);
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, SpecialOutput special) const {
  std::string text;
  for (TokenId id : ids) {
    if (special == SpecialOutput::Skip && is_special(id)) continue;
    text += bytes(id);
  }
  return text;
}

}  // namespace strata::text
