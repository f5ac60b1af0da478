// What is known of symbols, and interval arithmetic on canonical dimensions. An end of INT64_MAX or -INT64_MAX means
// that nothing bounds it.
#include <algorithm>
#include <numeric>

#include "strata/ir/dim.h"

namespace strata::ir {
namespace {

using Interval = std::pair<int64_t, int64_t>;
constexpr int64_t kInfinite = INT64_MAX;
constexpr Interval kAnything{-kInfinite, kInfinite};

int64_t clamp(__int128 value) {
  if (value >= kInfinite) return kInfinite;
  if (value <= -kInfinite) return -kInfinite;
  return static_cast<int64_t>(value);
}

bool infinite(int64_t end) { return end == kInfinite || end == -kInfinite; }

/// Infinity times 0 is 0: the end of an interval is a bound, not a value.
int64_t times(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  if (infinite(a) || infinite(b)) return (a < 0) == (b < 0) ? kInfinite : -kInfinite;
  return clamp(static_cast<__int128>(a) * b);
}

Interval times(Interval a, Interval b) {
  const int64_t corners[] = {times(a.first, b.first), times(a.first, b.second), times(a.second, b.first),
                             times(a.second, b.second)};
  const auto [low, high] = std::minmax_element(std::begin(corners), std::end(corners));
  return {*low, *high};
}

Interval plus(Interval a, Interval b) {
  const bool no_low = a.first == -kInfinite || b.first == -kInfinite;
  const bool no_high = a.second == kInfinite || b.second == kInfinite;
  return {no_low ? -kInfinite : clamp(static_cast<__int128>(a.first) + b.first),
          no_high ? kInfinite : clamp(static_cast<__int128>(a.second) + b.second)};
}

Interval intersect(Interval a, Interval b) { return {std::max(a.first, b.first), std::min(a.second, b.second)}; }

/// Floor of a / b, b >= 1; an infinite divisor leaves the limit.
int64_t divide(int64_t a, int64_t b) {
  if (infinite(a)) return a;
  if (b == kInfinite) return a < 0 ? -1 : 0;
  return a / b - (a % b != 0 && a < 0 ? 1 : 0);
}

Interval floor_div(Interval a, Interval b) {
  if (b.first < 1) return kAnything;
  const int64_t corners[] = {divide(a.first, b.first), divide(a.first, b.second), divide(a.second, b.first),
                             divide(a.second, b.second)};
  const auto [low, high] = std::minmax_element(std::begin(corners), std::end(corners));
  return {*low, *high};
}

Interval mod(Interval a, Interval b) {
  if (b.first < 1) return b.first == 0 ? Interval{0, b.second} : kAnything;
  if (a.first >= 0 && a.second < b.first) return a;
  int64_t high = b.second == kInfinite ? kInfinite : b.second - 1;
  if (a.first >= 0) high = std::min(high, a.second);
  return {0, high};
}

struct Ranger {
  const Facts& facts;

  Interval of_atom(const DimAtom& atom) const {
    if (atom.kind == DimAtom::Kind::Symbol) {
      const SymbolFact fact = facts.of(atom.name);
      return {fact.lowest, fact.highest};
    }
    const Interval a = of(atom.a), b = of(atom.b);
    switch (atom.kind) {
      case DimAtom::Kind::FloorDiv:
        return floor_div(a, b);
      case DimAtom::Kind::Mod:
        return mod(a, b);
      case DimAtom::Kind::Min:
        return {std::min(a.first, b.first), std::min(a.second, b.second)};
      default:
        return {std::max(a.first, b.first), std::max(a.second, b.second)};
    }
  }

  Interval of_terms(Dim d) const {
    if (d.is_constant()) return {d.constant(), d.constant()};
    Interval sum{0, 0};
    for (const DimTerm& term : d.expr()->terms) {
      Interval value{term.coefficient, term.coefficient};
      for (const DimAtom* atom : term.atoms) value = times(value, of_atom(*atom));
      sum = plus(sum, value);
    }
    return sum;
  }

  /// floordiv(x, b) is also (x - mod(x, b)) / b: where b divides the coefficient, that form ties the quotient to the
  /// other terms, and B - 4*floordiv(B, 4) is seen to lie in [0, 3].
  Dim without_quotients(Dim d) const {
    Dim sum(0);
    for (const DimTerm& term : d.expr()->terms) {
      Dim value(term.coefficient);
      for (const DimAtom* atom : term.atoms) {
        const bool exact = term.atoms.size() == 1 && atom->kind == DimAtom::Kind::FloorDiv && atom->b.is_constant() &&
                           atom->b.constant() > 0 && term.coefficient % atom->b.constant() == 0;
        if (exact) {
          value = Dim(term.coefficient / atom->b.constant()) * (atom->a - ir::mod(atom->a, atom->b));
          break;
        }
        value = value * of_one(atom);
      }
      sum = sum + value;
    }
    return sum;
  }

  static Dim of_one(const DimAtom* atom) {
    switch (atom->kind) {
      case DimAtom::Kind::Symbol:
        return Dim::symbol(atom->name);
      case DimAtom::Kind::FloorDiv:
        return ir::floor_div(atom->a, atom->b);
      case DimAtom::Kind::Mod:
        return ir::mod(atom->a, atom->b);
      case DimAtom::Kind::Min:
        return ir::min(atom->a, atom->b);
      case DimAtom::Kind::Max:
        break;
    }
    return ir::max(atom->a, atom->b);
  }

  Interval of(Dim d) const {
    const Interval direct = of_terms(d);
    if (d.is_constant() || d.expr()->terms.size() < 2) return direct;
    const Dim other = without_quotients(d);
    const Interval found = other == d ? direct : intersect(direct, of_terms(other));
    if (!facts.has_counts()) return found;
    return intersect(found, {of_terms(at_ends_of_counts(d, false)).first, of_terms(at_ends_of_counts(d, true)).second});
  }

  /// A bound of d from above, or from below, that ties counts to their capacities: of B - N, where N counts to B, the
  /// lowest is B - B. Terms with factors that may be below 0 stay as they are.
  Dim at_ends_of_counts(Dim d, bool from_above) const {
    Dim sum(0);
    for (const DimTerm& term : d.expr()->terms) {
      const bool is_monotone =
          std::ranges::all_of(term.atoms, [&](const DimAtom* atom) { return of_atom(*atom).first >= 0; });
      Dim value(term.coefficient);
      for (const DimAtom* atom : term.atoms) {
        const auto capacity =
            is_monotone && atom->kind == DimAtom::Kind::Symbol ? facts.of(atom->name).capacity : std::nullopt;
        const bool is_largest = (term.coefficient > 0) == from_above;
        value = value * (capacity ? (is_largest ? *capacity : Dim(0)) : of_one(atom));
      }
      sum = sum + value;
    }
    return sum;
  }

  /// A number that divides d for every binding; 0 for the constant 0.
  int64_t divisor_of(Dim d) const {
    if (d.is_constant()) return d.constant() < 0 ? -d.constant() : d.constant();
    int64_t common = 0;
    for (const DimTerm& term : d.expr()->terms) {
      int64_t divisor = term.coefficient < 0 ? -term.coefficient : term.coefficient;
      for (const DimAtom* atom : term.atoms) {
        const int64_t more = times(divisor, divisor_of_atom(*atom));
        if (!infinite(more)) divisor = more;
      }
      common = std::gcd(common, divisor);
    }
    return common;
  }

  int64_t divisor_of_atom(const DimAtom& atom) const {
    if (atom.kind == DimAtom::Kind::Symbol) return facts.of(atom.name).multiple;
    if (atom.kind == DimAtom::Kind::FloorDiv) return 1;
    return std::max<int64_t>(1, std::gcd(divisor_of(atom.a), divisor_of(atom.b)));
  }
};

}  // namespace

void Facts::add(const SymbolFact& fact) {
  const auto at =
      std::find_if(facts_.begin(), facts_.end(), [&](const SymbolFact& known) { return known.name == fact.name; });
  SymbolFact& joined = at != facts_.end() ? *at : facts_.emplace_back(SymbolFact{fact.name});
  if (fact.capacity) joined.capacity = fact.capacity;
  has_counts_ = has_counts_ || fact.capacity;
  joined.lowest = std::max(joined.lowest, fact.lowest);
  joined.highest = std::min(joined.highest, fact.highest);
  const int64_t multiple = times(joined.multiple, std::max<int64_t>(1, fact.multiple) /
                                                      std::gcd(joined.multiple, std::max<int64_t>(1, fact.multiple)));
  if (!infinite(multiple)) joined.multiple = multiple;  // a weaker fact is still true
  const int64_t m = joined.multiple;
  if (joined.lowest > 0 && joined.lowest <= kInfinite - m) joined.lowest = (joined.lowest + m - 1) / m * m;
  if (joined.highest >= 0 && joined.highest != kInfinite) joined.highest = joined.highest / m * m;
}

SymbolFact Facts::of(std::string_view name) const {
  for (const SymbolFact& fact : facts_)
    if (fact.name == name) return fact;
  return {std::string(name)};
}

bool Facts::mentions_count(Dim d) const {
  if (!has_counts_ || d.is_constant()) return false;
  std::vector<std::string> symbols;
  d.collect_symbols(symbols);
  return std::ranges::any_of(symbols, [&](const std::string& symbol) { return of(symbol).is_counted(); });
}

std::pair<int64_t, int64_t> Facts::range(Dim d) const { return Ranger{*this}.of(d); }

bool Facts::proves_divisible(Dim d, int64_t by) const {
  if (by <= 0) return false;
  return Ranger{*this}.divisor_of(d) % by == 0;
}

}  // namespace strata::ir
