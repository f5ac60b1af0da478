// Dimensions in canonical form: a sum of terms, each a coefficient times a sorted product of atoms, sorted with the
// highest degree first and the constant last. Everything about a Dim but its address depends only on its structure.
//
// Atoms and expressions are interned in one table that lives as long as the process; its mutex guards the table, and
// what is in it is never changed, so that a Dim may be read from any thread.
#include "strata/ir/dim.h"
#include "strata/base/error/codes/ir_codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <mutex>
#include <numeric>
#include <unordered_map>

namespace strata::ir {

Dim dim_of(const DimExpr* e) {
  Dim d;
  d.bits_ = reinterpret_cast<uint64_t>(e);
  return d;
}

namespace {

using base::Error;
using base::Hash128;

constexpr int64_t kLargest = INT64_MAX >> 1;

[[noreturn]] void overflow(std::string_view what) {
  throw Error(base::code::kMalformedDim, fmt::format("a dimension leaves 62 bits in {}", what));
}

int64_t checked(__int128 value, std::string_view what) {
  if (value > kLargest || value < -kLargest) overflow(what);
  return static_cast<int64_t>(value);
}
}  // namespace

int64_t dim_times(int64_t a, int64_t b) { return checked(static_cast<__int128>(a) * b, "a product"); }
int64_t dim_plus(int64_t a, int64_t b) { return checked(static_cast<__int128>(a) + b, "a sum"); }
int64_t dim_floor_div(int64_t a, int64_t b) {
  if (b == 0) return 0;
  const int64_t q = a / b;
  return q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}
int64_t dim_mod(int64_t a, int64_t b) { return b == 0 ? 0 : a - b * dim_floor_div(a, b); }

namespace {

struct Table {
  std::mutex mutex;
  std::unordered_map<Hash128, const DimAtom*, base::Hash128Hasher> atoms;
  std::unordered_map<Hash128, const DimExpr*, base::Hash128Hasher> exprs;
  std::deque<DimAtom> atom_store;
  std::deque<DimExpr> expr_store;
};

/// Never destroyed: dimensions in static objects may outlive any order of destruction.
Table& table() {
  static Table* const instance = new Table;
  return *instance;
}

/// 128-bit structural hashes are taken as identity, as everywhere in Strata.
const DimAtom* intern_atom(DimAtom::Kind kind, std::string name, Dim a, Dim b) {
  Hash128 hash = base::combine(base::hash_text(name), static_cast<uint64_t>(kind));
  hash = base::combine(base::combine(hash, a.hash()), b.hash());
  Table& t = table();
  const std::lock_guard lock(t.mutex);
  const DimAtom*& slot = t.atoms[hash];
  if (!slot) slot = &t.atom_store.emplace_back(DimAtom{kind, std::move(name), a, b, hash});
  return slot;
}

int compare(Dim a, Dim b);

int compare(const DimAtom* a, const DimAtom* b) {
  if (a == b) return 0;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->kind == DimAtom::Kind::Symbol) return a->name.compare(b->name) < 0 ? -1 : 1;
  if (const int first = compare(a->a, b->a)) return first;
  return compare(a->b, b->b);
}

int compare(const std::vector<const DimAtom*>& a, const std::vector<const DimAtom*>& b) {
  if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    if (const int order = compare(a[i], b[i])) return order;
  return 0;
}

int compare(Dim a, Dim b) {
  if (a == b) return 0;
  if (a.is_constant() && b.is_constant()) return a.constant() < b.constant() ? -1 : 1;
  if (a.is_constant() != b.is_constant()) return a.is_constant() ? 1 : -1;
  const auto &x = a.expr()->terms, &y = b.expr()->terms;
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (const int order = compare(x[i].atoms, y[i].atoms)) return order;
    if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
  }
  return x.size() < y.size() ? -1 : 1;
}

/// Sorts, joins like terms, interns.
Dim make_sum(std::vector<DimTerm> terms) {
  std::sort(terms.begin(), terms.end(),
            [](const DimTerm& a, const DimTerm& b) { return compare(a.atoms, b.atoms) < 0; });
  std::vector<DimTerm> joined;
  for (DimTerm& term : terms) {
    if (!joined.empty() && joined.back().atoms == term.atoms)
      joined.back().coefficient = dim_plus(joined.back().coefficient, term.coefficient);
    else
      joined.push_back(std::move(term));
  }
  std::erase_if(joined, [](const DimTerm& term) { return term.coefficient == 0; });
  if (joined.empty()) return Dim(0);
  if (joined.size() == 1 && joined[0].atoms.empty()) return Dim(joined[0].coefficient);

  Hash128 hash = base::hash_text("dim");
  for (const DimTerm& term : joined) {
    hash = base::combine(hash, term.coefficient);
    hash = base::combine(hash, term.atoms.size());
    for (const DimAtom* atom : term.atoms) hash = base::combine(hash, atom->hash);
  }
  Table& t = table();
  const std::lock_guard lock(t.mutex);
  const DimExpr*& slot = t.exprs[hash];
  if (!slot) slot = &t.expr_store.emplace_back(DimExpr{std::move(joined), hash});
  return dim_of(slot);
}

std::vector<DimTerm> terms_of(Dim d) {
  if (!d.is_constant()) return d.expr()->terms;
  if (d.constant() == 0) return {};
  return {DimTerm{d.constant(), {}}};
}

Dim make_atom(DimAtom::Kind kind, Dim a, Dim b) { return make_sum({DimTerm{1, {intern_atom(kind, {}, a, b)}}}); }

Dim from_terms(std::vector<DimTerm> terms, int64_t scale) {
  for (DimTerm& term : terms) term.coefficient = dim_times(term.coefficient, scale);
  return make_sum(std::move(terms));
}

/// The only atom of d + constant, if d is 1 * atom + constant.
const DimAtom* single_atom(Dim d, DimAtom::Kind kind, int64_t& constant) {
  if (d.is_constant()) return nullptr;
  const auto& terms = d.expr()->terms;
  constant = terms.size() == 2 && terms[1].atoms.empty() ? terms[1].coefficient : 0;
  if (terms.size() != (constant == 0 ? 1 : 2) || terms[0].coefficient != 1 || terms[0].atoms.size() != 1)
    return nullptr;
  return terms[0].atoms[0]->kind == kind ? terms[0].atoms[0] : nullptr;
}

/// a = by * whole + rest, where the rest has only terms that `by` does not divide and a constant in [0, by).
struct Split {
  Dim whole, rest;
};
Split split_multiples(Dim a, int64_t by) {
  std::vector<DimTerm> whole, rest;
  for (const DimTerm& term : terms_of(a)) {
    if (term.coefficient % by == 0) {
      whole.push_back({term.coefficient / by, term.atoms});
      continue;
    }
    if (!term.atoms.empty()) {
      rest.push_back(term);
      continue;
    }
    whole.push_back({dim_floor_div(term.coefficient, by), {}});
    rest.push_back({dim_mod(term.coefficient, by), {}});
  }
  return {make_sum(std::move(whole)), make_sum(std::move(rest))};
}

/// Greatest common divisor of `by` and the coefficients of the terms with symbols; the constant is not counted.
int64_t common_divisor(Dim a, int64_t by) {
  int64_t g = by;
  for (const DimTerm& term : terms_of(a))
    if (!term.atoms.empty()) g = std::gcd(g, term.coefficient);
  return g;
}

/// a / b if b is one term that divides every term of a, or a is a multiple of b by a constant.
std::optional<Dim> exact_quotient(Dim a, Dim b) {
  const std::vector<DimTerm> numerator = terms_of(a), divisor = terms_of(b);
  if (divisor.size() > 1) {
    if (numerator.size() != divisor.size() || numerator[0].coefficient % divisor[0].coefficient) return std::nullopt;
    const Dim factor(numerator[0].coefficient / divisor[0].coefficient);
    return b * factor == a ? std::optional(factor) : std::nullopt;
  }
  std::vector<DimTerm> quotient;
  for (const DimTerm& term : numerator) {
    if (term.coefficient % divisor[0].coefficient) return std::nullopt;
    DimTerm left{term.coefficient / divisor[0].coefficient, term.atoms};
    for (const DimAtom* atom : divisor[0].atoms) {
      const auto at = std::find(left.atoms.begin(), left.atoms.end(), atom);
      if (at == left.atoms.end()) return std::nullopt;
      left.atoms.erase(at);
    }
    quotient.push_back(std::move(left));
  }
  return make_sum(std::move(quotient));
}

Dim floor_div_constant(Dim a, int64_t by) {
  const Split split = split_multiples(a, by);
  if (split.rest.is_constant()) return split.whole;  // in [0, by)
  const int64_t g = common_divisor(split.rest, by);
  Dim rest = split.rest;
  if (g > 1) {
    rest = split_multiples(rest, g).whole;
    by /= g;
  }
  int64_t constant = 0;
  const DimAtom* inner = single_atom(rest, DimAtom::Kind::FloorDiv, constant);
  if (inner && inner->b.is_constant() && inner->b.constant() > 0)  // (x/d + c)/by = (x + c*d)/(d*by)
    return split.whole +
           floor_div(inner->a + Dim(dim_times(constant, inner->b.constant())), Dim(dim_times(inner->b.constant(), by)));
  if (by == 1) return split.whole + rest;
  return split.whole + make_atom(DimAtom::Kind::FloorDiv, rest, Dim(by));
}

}  // namespace

void Dim::refuse(int64_t value) {
  throw Error(base::code::kMalformedDim, fmt::format("the dimension {} leaves 62 bits", value));
}

Dim Dim::symbol(std::string_view name) {
  return make_sum({DimTerm{1, {intern_atom(DimAtom::Kind::Symbol, std::string(name), Dim(0), Dim(0))}}});
}

std::optional<std::string_view> Dim::symbol_name() const {
  int64_t constant = 0;
  const DimAtom* atom = single_atom(*this, DimAtom::Kind::Symbol, constant);
  if (!atom || constant != 0) return std::nullopt;
  return atom->name;
}

std::optional<std::pair<std::string_view, int64_t>> Dim::scaled_symbol() const {
  if (is_constant() || expr()->terms.size() != 1) return std::nullopt;
  const DimTerm& term = expr()->terms[0];
  if (term.atoms.size() != 1 || term.atoms[0]->kind != DimAtom::Kind::Symbol || term.coefficient < 1)
    return std::nullopt;
  return std::pair<std::string_view, int64_t>(term.atoms[0]->name, term.coefficient);
}

Hash128 Dim::hash() const {
  if (!is_constant()) return expr()->hash;
  return base::combine(Hash128{0x64696d, 0}, constant());
}

namespace {

/// The last results of this thread's arithmetic. Programs compute the same few sizes over and over: shapes of every
/// layer, costs of every kernel; dimensions live as long as the process, so that what was computed stays right.
struct Remembered {
  uint64_t a = 0, b = 0;
  char operation = 0;
  Dim result;
};
template <class Compute>
Dim remembered(char operation, Dim a, Dim b, Compute compute) {
  static thread_local std::array<Remembered, 1024> results;
  const auto x = std::bit_cast<uint64_t>(a), y = std::bit_cast<uint64_t>(b);
  const uint64_t mixed = (x * 0x9e3779b97f4a7c15 ^ (y + static_cast<uint64_t>(operation)) * 0xc2b2ae3d27d4eb4f);
  Remembered& slot = results[mixed >> 54];
  if (slot.operation != operation || slot.a != x || slot.b != y) {
    const Dim result = compute();
    slot = {x, y, operation, result};
  }
  return slot.result;
}

Dim sum_of(Dim a, Dim b) {
  std::vector<DimTerm> terms = terms_of(a);
  const std::vector<DimTerm> more = terms_of(b);
  terms.insert(terms.end(), more.begin(), more.end());
  return make_sum(std::move(terms));
}

Dim product_of(Dim a, Dim b) {
  std::vector<DimTerm> terms;
  for (const DimTerm& x : terms_of(a))
    for (const DimTerm& y : terms_of(b)) {
      DimTerm term{dim_times(x.coefficient, y.coefficient), x.atoms};
      term.atoms.insert(term.atoms.end(), y.atoms.begin(), y.atoms.end());
      std::sort(term.atoms.begin(), term.atoms.end(),
                [](const DimAtom* p, const DimAtom* q) { return compare(p, q) < 0; });
      terms.push_back(std::move(term));
    }
  return make_sum(std::move(terms));
}

Dim quotient_of(Dim a, Dim b) {
  if (b.is_constant() && b.constant() > 0) return floor_div_constant(a, b.constant());
  if (!b.is_constant())
    if (auto exact = exact_quotient(a, b)) return *exact;
  return make_atom(DimAtom::Kind::FloorDiv, a, b);
}

}  // namespace

Dim operator+(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return Dim(dim_plus(a.constant(), b.constant()));
  return remembered('+', a, b, [&] { return sum_of(a, b); });
}

Dim operator-(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return Dim(dim_plus(a.constant(), -b.constant()));
  return remembered('-', a, b, [&] { return sum_of(a, from_terms(terms_of(b), -1)); });
}

Dim operator*(Dim a, Dim b) {
  if (a.is_constant() && b.is_constant()) return Dim(dim_times(a.constant(), b.constant()));
  return remembered('*', a, b, [&] { return product_of(a, b); });
}

Dim floor_div(Dim a, Dim b) {
  if (a == Dim(0) || b == Dim(0)) return Dim(0);
  if (a.is_constant() && b.is_constant()) return Dim(dim_floor_div(a.constant(), b.constant()));
  return remembered('/', a, b, [&] { return quotient_of(a, b); });
}

Dim mod(Dim a, Dim b) {
  if (a == Dim(0) || b == Dim(0)) return Dim(0);
  if (a.is_constant() && b.is_constant()) return Dim(dim_mod(a.constant(), b.constant()));
  if (b.is_constant() && b.constant() > 0) {
    const Dim rest = split_multiples(a, b.constant()).rest;
    if (rest.is_constant()) return rest;
    const int64_t g = common_divisor(rest, b.constant());
    const Split reduced = split_multiples(rest, g);
    if (g > 1 && reduced.rest == Dim(0))  // mod(g*x, g*m) = g*mod(x, m)
      return Dim(g) * mod(reduced.whole, Dim(b.constant() / g));
    return make_atom(DimAtom::Kind::Mod, rest, b);
  }
  if (!b.is_constant() && exact_quotient(a, b)) return Dim(0);
  return make_atom(DimAtom::Kind::Mod, a, b);
}

Dim ceil_div(Dim a, Dim b) { return floor_div(a + b - Dim(1), b); }

namespace {

Dim extremum(DimAtom::Kind kind, Dim a, Dim b) {
  const Dim difference = a - b;
  if (difference.is_constant()) return (difference.constant() < 0) == (kind == DimAtom::Kind::Min) ? a : b;
  if (compare(a, b) > 0) std::swap(a, b);
  return make_atom(kind, a, b);
}

}  // namespace

Dim min(Dim a, Dim b) { return extremum(DimAtom::Kind::Min, a, b); }
Dim max(Dim a, Dim b) { return extremum(DimAtom::Kind::Max, a, b); }

Dim product(std::span<const Dim> dims) {
  Dim all(1);
  for (Dim d : dims) all = all * d;
  return all;
}

void Dim::collect_symbols(std::vector<std::string>& names) const {
  if (is_constant()) return;
  for (const DimTerm& term : expr()->terms)
    for (const DimAtom* atom : term.atoms) {
      if (atom->kind != DimAtom::Kind::Symbol) {
        atom->a.collect_symbols(names);
        atom->b.collect_symbols(names);
      } else if (std::find(names.begin(), names.end(), atom->name) == names.end()) {
        names.push_back(atom->name);
      }
    }
}

int64_t Dim::evaluate(base::FunctionRef<int64_t(std::string_view)> binding) const {
  if (is_constant()) return constant();
  const auto value_of = [&](const DimAtom& atom) {
    if (atom.kind == DimAtom::Kind::Symbol) return checked(binding(atom.name), "the value of a symbol");
    const int64_t a = atom.a.evaluate(binding), b = atom.b.evaluate(binding);
    switch (atom.kind) {
      case DimAtom::Kind::FloorDiv:
        return dim_floor_div(a, b);
      case DimAtom::Kind::Mod:
        return dim_mod(a, b);
      case DimAtom::Kind::Min:
        return std::min(a, b);
      default:
        return std::max(a, b);
    }
  };
  int64_t sum = 0;
  for (const DimTerm& term : expr()->terms) {
    int64_t value = term.coefficient;
    for (const DimAtom* atom : term.atoms) value = dim_times(value, value_of(*atom));
    sum = dim_plus(sum, value);
  }
  return sum;
}

Dim Dim::substitute(base::FunctionRef<std::optional<Dim>(std::string_view)> binding) const {
  if (is_constant()) return *this;
  const auto dim_of_atom = [&](const DimAtom& atom) {
    if (atom.kind == DimAtom::Kind::Symbol) {
      const auto given = binding(atom.name);
      return given ? *given : symbol(atom.name);
    }
    const Dim x = atom.a.substitute(binding), y = atom.b.substitute(binding);
    switch (atom.kind) {
      case DimAtom::Kind::FloorDiv:
        return floor_div(x, y);
      case DimAtom::Kind::Mod:
        return mod(x, y);
      case DimAtom::Kind::Min:
        return min(x, y);
      default:
        return max(x, y);
    }
  };
  Dim sum(0);
  for (const DimTerm& term : expr()->terms) {
    Dim value(term.coefficient);
    for (const DimAtom* atom : term.atoms) value = value * dim_of_atom(*atom);
    sum = sum + value;
  }
  return sum;
}

}  // namespace strata::ir
