#include "strata/data/corpus/prose.h"

#include <algorithm>
#include <array>

namespace strata::data {
namespace {

constexpr size_t kLeastBytes = 60, kMostBytes = 4000;

struct Spelling {
  std::string_view utf8, ascii;
};
constexpr Spelling kSpellings[] = {
    {"\u2018", "'"}, {"\u2019", "'"},   {"\u201C", "\""}, {"\u201D", "\""}, {"\u00AB", "\""}, {"\u00BB", "\""},
    {"\u2013", "-"}, {"\u2014", " - "}, {"\u2010", "-"},  {"\u2011", "-"},  {"\u2212", "-"},  {"\u2026", "..."},
    {"\u00A0", " "}, {"\u2009", " "},   {"\u200A", " "},  {"\u202F", " "},  {"\u00B6", ""},   {"\u200B", ""},
    {"\u00AD", ""},  {"\u00D7", "x"},   {"\u00AE", ""},   {"\u2122", ""}};

/// Nothing when a character has no ASCII spelling.
std::optional<std::string> to_ascii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      if (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') return std::nullopt;
      out += text[at++];
      continue;
    }
    const auto* found = std::find_if(std::begin(kSpellings), std::end(kSpellings),
                                     [&](const Spelling& s) { return text.substr(at, s.utf8.size()) == s.utf8; });
    if (found == std::end(kSpellings)) return std::nullopt;
    out += found->ascii;
    at += found->utf8.size();
  }
  return out;
}

/// Words that make up about 40 % of any English prose.
constexpr std::string_view kEverydayWords[] = {
    "a",  "all",  "also",  "an",   "and",  "any",   "are",   "as",   "at",    "be",    "been", "but",
    "by", "can",  "do",    "each", "for",  "from",  "has",   "have", "if",    "in",    "into", "is",
    "it", "its",  "may",   "more", "no",   "not",   "of",    "on",   "one",   "only",  "or",   "other",
    "so", "some", "such",  "than", "that", "the",   "their", "then", "there", "these", "they", "this",
    "to", "used", "using", "was",  "when", "which", "will",  "with", "you",   "your"};

bool is_letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

struct Counts {
  size_t words = 0, everyday = 0, odd = 0;  ///< odd: with digits, inner capitals or symbols in them
  size_t longest = 0;                       ///< bytes
};

void count_word(std::string_view word, Counts& counts) {
  constexpr std::string_view kAround = ".,;:!?\"'()";
  while (!word.empty() && kAround.find(word.back()) != std::string_view::npos) word.remove_suffix(1);
  while (!word.empty() && kAround.find(word.front()) != std::string_view::npos) word.remove_prefix(1);
  ++counts.words;
  counts.longest = std::max(counts.longest, word.size());
  bool odd = false;
  std::array<char, 8> lower{};
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    odd = odd || !(is_letter(c) || c == '-' || c == '\'') || (i > 0 && is_upper(c));
    if (i < lower.size()) lower[i] = static_cast<char>(c | 32);
  }
  counts.odd += odd;
  if (word.size() <= lower.size())
    counts.everyday += std::binary_search(std::begin(kEverydayWords), std::end(kEverydayWords),
                                          std::string_view(lower.data(), word.size()));
}

Counts count_words(std::string_view text) {
  Counts counts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    count_word(text.substr(0, end), counts);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return counts;
}

bool ends_a_sentence(std::string_view text) {
  while (!text.empty() && (text.back() == '"' || text.back() == '\'' || text.back() == ')')) text.remove_suffix(1);
  return text.ends_with('.') || text.ends_with('!') || text.ends_with('?');
}

bool has_address(std::string_view text) {
  for (const std::string_view part : {"://", "www.", "@", "\\", "{", "}", "<", ">", "$", "|", "=", "[", "]", "#", "~"})
    if (text.find(part) != std::string_view::npos) return true;
  return false;
}

}  // namespace

std::string single_spaced(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::optional<std::string> prose(std::string_view paragraph) {
  if (paragraph.size() < kLeastBytes) return std::nullopt;
  auto ascii = to_ascii(paragraph);
  if (!ascii) return std::nullopt;
  std::optional<std::string> text(single_spaced(*ascii));
  if (text->size() < kLeastBytes || text->size() > kMostBytes) return std::nullopt;
  if (!is_upper(text->front()) || !ends_a_sentence(*text) || has_address(*text)) return std::nullopt;
  const Counts counts = count_words(*text);
  // In hundredths. Running English has 35 to 50 everyday words of 100; lists and reference tables under 20.
  if (counts.everyday * 100 < counts.words * 27) return std::nullopt;
  if (counts.odd * 100 > counts.words * 16 || counts.longest > 28) return std::nullopt;
  return text;
}

}  // namespace strata::data
