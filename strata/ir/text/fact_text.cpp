#include "strata/ir/text/fact_text.h"

#include <fmt/format.h>

#include "strata/ir/text/attr_text.h"

namespace strata::ir {
namespace {

/// N in [0, B*4] counted
void read_capacity(const TextLexer& lexer, size_t position, Dim capacity, SymbolFact& fact) {
  if (fact.lowest != 0) lexer.fail_at(position, "a counted dimension can be 0");
  fact.capacity = capacity;
  if (capacity.is_constant()) fact.highest = capacity.constant();
}

SymbolFact read_fact(TextLexer& lexer, const std::function<bool(std::string_view)>& is_dim) {
  const Token name = lexer.expect(TextToken::Name, "a dimension's name");
  if (is_dim && !is_dim(name.text))
    lexer.fail_at(name.position, fmt::format("expected a dimension of the kernel, found '{}'", name.text));
  SymbolFact fact{std::string(name.text)};
  const size_t position = lexer.position();
  if (lexer.accept(">=")) {
    fact.lowest = lexer.integer("the lowest value");
  } else if (lexer.accept("in")) {
    lexer.expect("[", "before the range");
    fact.lowest = lexer.integer("the lowest value");
    lexer.expect(",", "in the range");
    const size_t highest_at = lexer.position();
    const Dim highest = read_dim(lexer);
    lexer.expect("]", "after the range");
    if (lexer.accept("counted"))
      read_capacity(lexer, position, highest, fact);
    else if (highest.is_constant())
      fact.highest = highest.constant();
    else
      lexer.fail_at(highest_at, "the highest value is a number, unless the dimension is counted");
  } else {
    lexer.expect("%", "or '>=' or 'in' after a dimension");
    fact.multiple = lexer.integer("the divisor");
    lexer.expect("==", "after the divisor");
    if (lexer.integer("0") != 0 || fact.multiple < 1)
      lexer.fail_at(position, "a dimension is divisible by a number of at least 1: B % 4 == 0");
  }
  return fact;
}

}  // namespace

void read_facts(TextLexer& lexer, Facts& facts, const std::function<bool(std::string_view)>& is_dim) {
  do {
    const size_t position = lexer.position();
    const SymbolFact fact = read_fact(lexer, is_dim);
    facts.add(fact);
    const SymbolFact joined = facts.of(fact.name);
    if (joined.lowest > joined.highest)
      lexer.fail_at(position, fmt::format("no value of {} fits all its facts", fact.name));
  } while (lexer.accept(","));
}

std::string facts_text(const Facts& facts, const std::function<bool(std::string_view)>& is_dim) {
  std::string text;
  const auto add = [&](const std::string& fact) { text += (text.empty() ? " where " : ", ") + fact; };
  for (const SymbolFact& f : facts.all()) {
    if (is_dim && !is_dim(f.name)) continue;
    if (f.capacity)
      add(fmt::format("{} in [0, {}] counted", f.name, f.capacity->str()));
    else if (f.highest != INT64_MAX)
      add(fmt::format("{} in [{}, {}]", f.name, f.lowest, f.highest));
    else if (f.lowest != 0 || f.multiple == 1)
      add(fmt::format("{} >= {}", f.name, f.lowest));
    if (f.multiple != 1) add(fmt::format("{} % {} == 0", f.name, f.multiple));
  }
  return text;
}

}  // namespace strata::ir
