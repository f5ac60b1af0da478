// GPT-2's pre-tokeniser: cuts text into the words that BPE merges within.
//
// The published pattern (Radford et al. 2019) is
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Here it is a hand-written scanner: one pass, linear in the bytes whatever they are (a backtracking engine rescans
// white space), with a table look-up for each ASCII byte. Concatenating the words gives the text back, byte for byte.
//
// Invalid UTF-8 counts as a character that is neither letter, number nor space (as U+FFFD is), so the cuts are those
// that the text with replacement characters would get, but the words keep the original bytes.
#pragma once

#include <string_view>

namespace strata::text {

/// Yields the words of `text` from front to back.
///
///   Gpt2Splitter words("it's 42");
///   for (std::string_view word; words.next(word);) ...   // "it", "'s", " 42"
class Gpt2Splitter {
 public:
  explicit Gpt2Splitter(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  /// Sets `word` to the next one, never empty; false at the end of the text.
  bool next(std::string_view& word) {
    if (at_ == end_) return false;
    const char* const begin = at_;
    at_ = end_of_word(begin, end_);
    word = std::string_view(begin, at_ - begin);
    return true;
  }

 private:
  static const char* end_of_word(const char* begin, const char* end);

  const char* at_;
  const char* end_;
};

}  // namespace strata::text
