// What type rules may ask of counts: nothing that only a run can answer.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/unproved.h"

namespace strata::ir {
namespace {

/// "N is a count of 0 to 12", for each count that stands in these dimensions.
std::string described(const Facts& facts, std::initializer_list<Dim> dims) {
  std::vector<std::string> symbols;
  for (Dim d : dims) d.collect_symbols(symbols);
  std::string text;
  for (const std::string& symbol : symbols)
    if (const auto capacity = facts.of(symbol).capacity)
      text += fmt::format("{}{} is a count of 0 to {}", text.empty() ? "" : " and ", symbol, capacity->str());
  return text + ", known only while the program runs";
}

constexpr std::string_view kHint =
    "a count can be any number up to its capacity: pad to the capacity, or use a mask, where the size must be known";

/// What a rule noted of counts, and extents that a count may bring below 0.
void refuse_conditions(const Infer& infer, std::span<const Dim> noted) {
  const Facts& facts = infer.graph.facts();
  const auto refuse_below_zero = [&](Dim d) {
    if (facts.mentions_count(d) && facts.range(d).first < 0)
      infer.fail(base::code::kUnknownCount,
                 fmt::format("needs {} to be 0 or more, and {}", d.str(), described(facts, {d})), std::string(kHint));
  };
  for (Dim d : noted) {
    refuse_below_zero(d);
    if (!facts.mentions_count(d)) static_cast<void>(is_below_zero(d));  // for the scope around this one
  }
  for (Type t : infer.results.view())
    for (Dim d : t.shape()) refuse_below_zero(d);
}

bool is_of_extents(base::ErrorCode code) {
  static constexpr base::ErrorCode kCodes[] = {base::code::kOperandShapes,    base::code::kUnequalDims,
                                               base::code::kArgumentMismatch, base::code::kAxis,
                                               base::code::kAttributeValue,   base::code::kCotangentShape};
  return std::ranges::find(kCodes, code) != std::end(kCodes);
}

}  // namespace

void refuse_question_of_count(const base::Error& error, const Graph& graph, uint64_t questions_before) {
  if (!graph.facts().has_counts() || !is_of_extents(error.code())) return;
  const Unproved* question = question_since(questions_before);
  if (!question) return;
  const auto [a, b] = *question;
  const Facts& facts = graph.facts();
  if (!facts.mentions_count(a) && !facts.mentions_count(b)) return;
  const std::string_view message = error.message();
  const std::string op(message.substr(0, message.find(':')));
  const std::string needs =
      a == b ? fmt::format("needs the number {}", a.str()) : fmt::format("needs {} to be {}", a.str(), b.str());
  base::Error refusal(base::code::kUnknownCount, fmt::format("{}: {}, and {}", op, needs, described(facts, {a, b})));
  refusal.note(std::string(message));
  for (const std::string& note : error.notes()) refusal.note(note);
  const auto names_line = [](const std::string& note) { return note.starts_with("recorded at"); };
  if (const std::string where = graph.location().str();
      !where.empty() && std::ranges::none_of(error.notes(), names_line))
    refusal.note("recorded at " + where);
  throw refusal.hint(std::string(kHint));
}

void apply_type_rule_with_counts(Infer& infer) {
  std::vector<Dim> noted;
  const uint64_t before = questions_asked();
  try {
    const ConditionScope scope;
    apply_type_rule(infer);
    noted = scope.noted();
  } catch (const base::Error& error) {
    refuse_question_of_count(error, infer.graph, before);
    throw;
  }
  refuse_conditions(infer, noted);
}

namespace {

/// A region that counts is one of a call; what it gives has no dimension that only the region knows.
void check_regions(const Infer& infer) {
  for (const GraphRef& region : infer.regions) {
    if (!region || !region->has_counts()) continue;
    if (!infer.op.is_call || infer.op.name == "composite")
      infer.fail(base::code::kMisplacedCount,
                 fmt::format("its region '{}' counts elements, which only a program and its calls do", region->name()),
                 "count outside of it, and hand in what was counted");
    const CountBounds counts(*region);
    for (Type t : infer.results.view())
      for (Dim d : t.shape())
        if (counts.mentions(d))
          infer.fail(base::code::kMisplacedCount,
                     fmt::format("result {} has a dimension that is counted in {}", t.str(), region->name()),
                     "count outside of the call, or hand out what has a known shape");
  }
}

}  // namespace

void check_counts(const Infer& infer) {
  if (!infer.regions.empty()) check_regions(infer);
  if (!infer.op.counts) return;
  const Dim symbol = infer.attrs.all()[0].as_dims()[0], capacity = infer.attrs.all()[1].as_dims()[0];
  const std::string name(*symbol.symbol_name());
  for (const Node* parameter : infer.graph.parameters())
    for (Dim d : parameter->type().shape()) {
      std::vector<std::string> symbols;
      d.collect_symbols(symbols);
      if (std::ranges::find(symbols, name) != symbols.end())
        infer.fail(base::code::kMisplacedCount,
                   fmt::format("{} is a dimension of {} already", name, parameter->type().str()));
    }
  const SymbolFact known = infer.graph.facts().of(name);
  if (known.capacity && !(*known.capacity == capacity))
    infer.fail(base::code::kMisplacedCount,
               fmt::format("{} counts to {} already, not to {}", name, known.capacity->str(), capacity.str()));
  if (known.lowest > 0 || known.multiple > 1 || (!known.capacity && known.highest != INT64_MAX))
    infer.fail(base::code::kMisplacedCount, fmt::format("something is known of {} already, which is a count", name));
  for (const Node* node : infer.graph.nodes()) {
    const auto count = count_of(*node);
    if (count && count->symbol == name && !(node->operand(0).node->hash == infer.operands[0].node->hash))
      infer.fail(base::code::kMisplacedCount, fmt::format("{} counts something else already", name));
  }
}

}  // namespace strata::ir
