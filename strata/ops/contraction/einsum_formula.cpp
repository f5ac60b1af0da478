#include "strata/ops/contraction/einsum_formula.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"

namespace strata::ops {
namespace {

/// One comma-separated part, before the ranks are known.
struct Term {
  std::string letters;                     ///< without the ellipsis
  size_t ellipsis_at = std::string::npos;  ///< how many letters stand in front of it
  bool has_ellipsis() const { return ellipsis_at != std::string::npos; }
};

class Reader {
 public:
  Reader(std::string_view text, size_t operand_count) : text_(text), operand_count_(operand_count) {}

  std::vector<Term> terms;  ///< of the operands
  Term result;
  bool has_arrow = false;

  void read() {
    terms.emplace_back();
    for (at_ = 0; at_ < text_.size(); ++at_) step(text_[at_]);
    if (terms.size() != operand_count_)
      fail(fmt::format("\"{}\" describes {} operands, {} are given", text_, terms.size(), operand_count_));
    for (size_t i = 0; i < result.letters.size(); ++i)
      if (result.letters.find(result.letters[i], i + 1) != std::string::npos)
        fail(fmt::format("index '{}' stands twice in the result of \"{}\"", result.letters[i], text_));
  }
  [[noreturn]] static void fail(const std::string& what) {
    throw base::Error(base::code::kAttributeValue, "einsum: " + what);
  }

 private:
  void step(char c) {
    Term& term = has_arrow ? result : terms.back();
    if (c == ' ') return;
    if (std::isalpha(static_cast<unsigned char>(c))) return void(term.letters += c);
    if (c == ',' && !has_arrow) return void(terms.emplace_back());
    if (text_.substr(at_, 2) == "->" && !has_arrow) {
      has_arrow = true;
      ++at_;
      return;
    }
    if (text_.substr(at_, 3) == "..." && !term.has_ellipsis()) {
      term.ellipsis_at = term.letters.size();
      at_ += 2;
      return;
    }
    fail(fmt::format("'{}' at {} of \"{}\" is no index", c, at_, text_));
  }

  std::string_view text_;
  size_t operand_count_, at_ = 0;
};

/// The names of a term's axes, of which the ellipsis has so many.
AxisNames names_of(const Term& term, int64_t ellipsis_rank) {
  AxisNames names;
  for (size_t i = 0; i <= term.letters.size(); ++i) {
    if (i == term.ellipsis_at)
      for (int64_t e = ellipsis_rank; e-- > 0;) names.push_back(kEllipsisAxis + e);
    if (i < term.letters.size()) names.push_back(static_cast<unsigned char>(term.letters[i]));
  }
  return names;
}

int64_t ellipsis_rank_of(const Term& term, Value operand) {
  const int64_t named = std::ssize(term.letters), rest = operand.rank() - named;
  if (rest == 0 || (rest > 0 && term.has_ellipsis())) return rest;
  throw base::Error(base::code::kUnequalDims, fmt::format("einsum: \"{}\" names {} axes, the operand is {}",
                                                          term.letters, named, operand.type().str()));
}

/// The letters that stand once in all operands together, in the order of the alphabet.
std::string implicit_result(const std::vector<Term>& terms) {
  std::string all, once;
  for (const Term& term : terms) all += term.letters;
  std::ranges::sort(all);
  for (char c : all)
    if (std::ranges::count(all, c) == 1) once += c;
  return once;
}

}  // namespace

bool has_name(const AxisNames& names, int name) { return std::ranges::find(names, name) != names.end(); }

std::string axis_name_text(int name) {
  if (name < kEllipsisAxis) return fmt::format("index '{}'", static_cast<char>(name));
  return fmt::format("axis {} of ...", kEllipsisAxis - 1 - name);
}

EinsumFormula parse_einsum(std::string_view text, const std::vector<Value>& operands) {
  Reader reader(text, operands.size());
  reader.read();
  EinsumFormula formula;
  int64_t widest = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    const int64_t rank = ellipsis_rank_of(reader.terms[i], operands[i]);
    widest = std::max(widest, rank);
    formula.operands.push_back(names_of(reader.terms[i], rank));
  }
  if (!reader.has_arrow) reader.result = {implicit_result(reader.terms), 0};
  if (widest > 0 && !reader.result.has_ellipsis())
    Reader::fail(fmt::format("the result of \"{}\" lacks the ... that stands for axes of an operand", text));
  formula.result = names_of(reader.result, widest);
  for (int name : formula.result)
    if (std::ranges::none_of(formula.operands, [name](const AxisNames& o) { return has_name(o, name); }))
      Reader::fail(fmt::format("{} of the result stands in no operand of \"{}\"", axis_name_text(name), text));
  return formula;
}

}  // namespace strata::ops
