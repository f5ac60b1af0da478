#include "strata/compiler/loop/rewrites.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"

namespace strata::compiler {

namespace {

constexpr int64_t kMostParts = 16, kMostLines = 64, kMostNumber = 1 << 24;

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// What stands in front of the first of `marks`, which is removed with it from `text`.
std::string_view next_piece(std::string_view& text, std::string_view marks) {
  const size_t end = std::min(text.find_first_of(marks), text.size());
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(piece);
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

[[noreturn]] void refuse_line(std::string_view line, const std::string& reason) {
  throw base::Error(base::code::kMalformedSchedule, fmt::format("`{}`: {}", line, reason))
      .hint("a rewrite is a verb and what it is done to, such as `tile rows by 8, columns by 32`");
}

int64_t number_in(std::string_view text, std::string_view line) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!is_number(text) || error != std::errc() || end != text.data() + text.size() || value > kMostNumber)
    refuse_line(line, fmt::format("expected a number of at most {}, found `{}`", kMostNumber, text));
  return value;
}

Rewrite parse_line(std::string_view line) {
  std::string_view rest = line;
  Rewrite made{.verb = std::string(next_piece(rest, " \t")), .parts = {}};
  while (!trimmed(rest).empty()) {
    const std::string_view piece = next_piece(rest, ",");
    if (made.parts.size() >= kMostParts) refuse_line(line, "it has too many parts");
    if (is_number(piece) && !made.parts.empty() && !made.parts.back().numbers.empty()) {
      if (made.parts.back().numbers.size() >= kMostParts) refuse_line(line, "it has too many numbers");
      made.parts.back().numbers.push_back(number_in(piece, line));
      continue;
    }
    const size_t by = piece.find(" by ");
    Rewrite::Part part{.what = std::string(trimmed(piece.substr(0, by))), .numbers = {}};
    if (part.what.empty() || is_number(part.what)) refuse_line(line, "a comma stands before nothing that is named");
    if (by != std::string_view::npos) part.numbers.push_back(number_in(trimmed(piece.substr(by + 4)), line));
    made.parts.push_back(std::move(part));
  }
  if (made.parts.empty()) refuse_line(line, "it does not say to what");
  return made;
}

bool is_width(int64_t number) {
  return number >= 1 && number <= kWidestVector && std::has_single_bit(static_cast<uint64_t>(number));
}

}  // namespace

void refuse_schedule(const std::string& reason) { throw base::Error(base::code::kUnfittingSchedule, reason); }

std::string Rewrite::str() const {
  std::string text = verb;
  for (const Part& part : parts) {
    text += (&part == &parts.front() ? " " : ", ") + part.what;
    if (!part.numbers.empty()) text += fmt::format(" by {}", fmt::join(part.numbers, ", "));
  }
  return text;
}

std::vector<Rewrite> parse_rewrites(std::string_view text) {
  std::vector<Rewrite> made;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    while (!line.empty()) {
      const std::string_view piece = next_piece(line, ";");
      if (piece.empty()) continue;
      if (made.size() >= kMostLines) refuse_line(piece, fmt::format("a schedule has at most {} rewrites", kMostLines));
      made.push_back(parse_line(piece));
    }
  }
  return made;
}

bool RewriteReader::has(std::string_view verb, std::string_view what) const {
  return std::any_of(rewrites_.begin(), rewrites_.end(), [&](const Rewrite& rewrite) {
    return rewrite.verb == verb && std::any_of(rewrite.parts.begin(), rewrite.parts.end(),
                                               [&](const Rewrite::Part& part) { return part.what == what; });
  });
}

bool RewriteReader::has_verb(std::string_view verb) const {
  return std::any_of(rewrites_.begin(), rewrites_.end(), [&](const Rewrite& rewrite) { return rewrite.verb == verb; });
}

Rewrite::Part RewriteReader::taken(std::string_view verb, std::string_view what) {
  for (auto rewrite = rewrites_.begin(); rewrite != rewrites_.end(); ++rewrite) {
    auto& parts = rewrite->parts;
    const auto at = std::find_if(parts.begin(), parts.end(), [&](const Rewrite::Part& p) { return p.what == what; });
    if (rewrite->verb != verb || at == parts.end()) continue;
    Rewrite::Part part = std::move(*at);
    parts.erase(at);
    if (parts.empty()) rewrites_.erase(rewrite);
    return part;
  }
  refuse_schedule(fmt::format("this schedule lacks `{} {}`", verb, what));
}

bool RewriteReader::take(std::string_view verb, std::string_view what) {
  if (!has(verb, what)) return false;
  const Rewrite::Part part = taken(verb, what);
  if (!part.numbers.empty()) refuse_schedule(fmt::format("`{} {}` takes no number", verb, what));
  return true;
}

int64_t RewriteReader::number(std::string_view verb, std::string_view what, int64_t low, int64_t high) {
  const Rewrite::Part part = taken(verb, what);
  if (part.numbers.size() != 1 || part.numbers[0] < low || part.numbers[0] > high)
    refuse_schedule(fmt::format("`{} {}` takes one number of {} to {}, found {}", verb, what, low, high,
                                part.numbers.empty() ? "none" : fmt::format("{}", fmt::join(part.numbers, ", "))));
  return part.numbers[0];
}

int RewriteReader::width(std::string_view verb, std::string_view what) {
  const int64_t found = number(verb, what, 1, kWidestVector);
  if (!is_width(found)) refuse_schedule(fmt::format("`{} {}` takes a power of two, found {}", verb, what, found));
  return static_cast<int>(found);
}

std::vector<int> RewriteReader::widths(std::string_view verb, std::string& what) {
  const auto at = std::find_if(rewrites_.begin(), rewrites_.end(), [&](const Rewrite& r) { return r.verb == verb; });
  if (at == rewrites_.end() || at->parts.size() != 1)
    refuse_schedule(fmt::format("this schedule takes one `{}`", verb));
  what = at->parts[0].what;
  std::vector<int> widths;
  const Rewrite::Part part = taken(verb, what);
  for (const int64_t number : part.numbers) {
    if (!is_width(number) || (!widths.empty() && number >= widths.back()))
      refuse_schedule(fmt::format("`{} {}` takes powers of two of at most {}, widest first, found {}", verb, what,
                                  kWidestVector, number));
    widths.push_back(static_cast<int>(number));
  }
  if (widths.empty() || widths.back() != 1)
    refuse_schedule(fmt::format("`{} {}` ends with 1: what is left over", verb, what));
  return widths;
}

void RewriteReader::finish() const {
  if (!rewrites_.empty())
    refuse_schedule(fmt::format("`{}` is no rewrite of this kind of nest, or stands twice", rewrites_.front().str()));
}

}  // namespace strata::compiler
