#include "strata/text/bpe/special_tokens.h"

#include <cstring>

namespace strata::text {

void SpecialTokenFinder::add(std::string_view content, TokenId id) {
  if (nodes_.empty()) nodes_.emplace_back();
  std::uint32_t at = 0;
  for (char byte : content) {
    if (const std::uint32_t* next = child(at, byte)) {
      at = *next;
      continue;
    }
    const std::uint32_t made = nodes_.size();
    nodes_[at].children.emplace_back(byte, made);
    nodes_.emplace_back();
    at = made;
  }
  nodes_[at].id = id;
  const int first = static_cast<std::uint8_t>(content.front());
  first_bytes_[first] = true;
  sole_first_byte_ = sole_first_byte_ == -1 || sole_first_byte_ == first ? first : -2;
}

const std::uint32_t* SpecialTokenFinder::child(std::uint32_t node, char byte) const {
  for (const auto& [label, next] : nodes_[node].children) {
    if (label == byte) return &next;
  }
  return nullptr;
}

std::size_t SpecialTokenFinder::next_possible(std::string_view text, std::size_t from) const {
  if (from >= text.size()) return text.size();
  if (sole_first_byte_ >= 0) {
    const void* found = std::memchr(text.data() + from, sole_first_byte_, text.size() - from);
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : text.size();
  }
  while (from < text.size() && !first_bytes_[static_cast<std::uint8_t>(text[from])]) ++from;
  return from;
}

SpecialTokenFinder::Match SpecialTokenFinder::match_at(std::string_view text, std::size_t begin) const {
  Match longest{begin, 0, kNone};
  std::uint32_t node = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const std::uint32_t* next = child(node, text[i]);
    if (!next) break;
    node = *next;
    if (nodes_[node].id != kNone) longest = {begin, i + 1 - begin, nodes_[node].id};
  }
  return longest;
}

SpecialTokenFinder::Match SpecialTokenFinder::find(std::string_view text, std::size_t from) const {
  if (empty()) return {text.size(), 0, kNone};
  for (std::size_t at = next_possible(text, from); at < text.size(); at = next_possible(text, at + 1)) {
    const Match match = match_at(text, at);
    if (match.bytes > 0) return match;
  }
  return {text.size(), 0, kNone};
}

}  // namespace strata::text
