#include "strata/ir/dim_table.h"

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"

namespace strata::ir {

DimTable::DimTable(std::span<const std::string> symbols) : initial_(symbols.size()), symbol_count_(symbols.size()) {
  for (size_t i = 0; i < symbols.size(); ++i) symbols_.emplace(symbols[i], i);
}

int DimTable::add(Dim d) {
  if (d.is_constant()) {
    const auto [at, is_new] = constants_.emplace(d.constant(), place());
    if (is_new) initial_.push_back(d.constant());
    return at->second;
  }
  if (const auto known = places_.find(d.expr()); known != places_.end()) return known->second;
  std::vector<Term> terms;
  for (const DimTerm& term : d.expr()->terms) {
    std::vector<int> factors;
    for (const DimAtom* atom : term.atoms) factors.push_back(place_of_atom(*atom));
    const int first = factors_.size();
    factors_.insert(factors_.end(), factors.begin(), factors.end());
    terms.push_back({term.coefficient, first, static_cast<int>(factors_.size())});
  }
  int target = terms[0].last > terms[0].first ? factors_[terms[0].first] : -1;
  const bool is_atom = terms.size() == 1 && terms[0].coefficient == 1 && terms[0].last - terms[0].first == 1;
  if (!is_atom) {
    target = place();
    initial_.push_back(0);
    const int first = terms_.size();
    terms_.insert(terms_.end(), terms.begin(), terms.end());
    steps_.push_back({Kind::Sum, target, first, static_cast<int>(terms_.size())});
  }
  places_.emplace(d.expr(), target);
  return target;
}

int DimTable::place_of_atom(const DimAtom& atom) {
  if (atom.kind == DimAtom::Kind::Symbol) {
    const auto known = symbols_.find(atom.name);
    if (known != symbols_.end()) return known->second;
    throw base::Error(base::code::kArgumentMismatch,
                      "dimension '" + atom.name +
                          "' has no value: it is the extent of no argument's axis, and no extent is a "
                          "multiple of it");
  }
  if (const auto known = places_.find(&atom); known != places_.end()) return known->second;
  const int a = add(atom.a), b = add(atom.b), target = place();
  initial_.push_back(0);
  const Kind kind = atom.kind == DimAtom::Kind::FloorDiv ? Kind::FloorDiv
                    : atom.kind == DimAtom::Kind::Mod    ? Kind::Mod
                    : atom.kind == DimAtom::Kind::Min    ? Kind::Min
                                                         : Kind::Max;
  steps_.push_back({kind, target, a, b});
  places_.emplace(&atom, target);
  return target;
}

std::vector<int64_t> DimTable::evaluate(std::span<const int64_t> symbols) const {
  std::vector<int64_t> values = initial_;
  std::copy_n(symbols.begin(), symbol_count_, values.begin());
  const auto at = [&](int i) -> int64_t& { return values[i]; };
  for (const Step& s : steps_) {
    switch (s.kind) {
      case Kind::Sum: {
        int64_t sum = 0;
        for (int t = s.a; t < s.b; ++t) {
          const Term& term = terms_[t];
          int64_t product = term.coefficient;
          for (int f = term.first; f < term.last; ++f) product = dim_times(product, at(factors_[f]));
          sum = dim_plus(sum, product);
        }
        at(s.target) = sum;
        break;
      }
      case Kind::FloorDiv:
        at(s.target) = dim_floor_div(at(s.a), at(s.b));
        break;
      case Kind::Mod:
        at(s.target) = dim_mod(at(s.a), at(s.b));
        break;
      case Kind::Min:
        at(s.target) = std::min(at(s.a), at(s.b));
        break;
      case Kind::Max:
        at(s.target) = std::max(at(s.a), at(s.b));
        break;
    }
  }
  return values;
}

}  // namespace strata::ir
