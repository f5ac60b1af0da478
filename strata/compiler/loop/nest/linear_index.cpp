#include "strata/compiler/loop/nest/linear_index.h"

#include <algorithm>
#include <numeric>

#include "strata/base/error/error.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

std::optional<Dim> exact_quotient(Dim a, Dim b) {
  if (b.is_constant() && b.constant() == 0) return std::nullopt;
  const Dim q = ir::floor_div(a, b);
  return q * b == a ? std::optional(q) : std::nullopt;
}

Dim LinearIndex::coefficient(Expr atom) const {
  for (const auto& [e, coefficient] : terms)
    if (e == atom) return coefficient;
  return 0;
}

namespace {

constexpr int64_t kLargestConstant = int64_t{1} << 40;  // beyond, it is data and no index: dims have 62 bits

bool is_index(Expr e) { return e->type == ScalarType{DType::i64, 1}; }

}  // namespace

void LinearIndices::enter_loop(const LoopVar* var, Expr begin, Expr end) {
  const Bound low = bound(of(begin), false), high = bound(of(end), true);
  Range range{low, high ? Bound(*high - 1) : high, static_cast<int>(ranges_.size())};
  // A variable may run in several loops (the steps of a reduction's tree): what is known holds in all of them.
  if (const auto known = ranges_.find(var); known != ranges_.end()) {
    auto widest = [](const Bound& a, const Bound& b, bool is_upper) -> Bound {
      if (!a || !b) return std::nullopt;
      return is_upper ? ir::max(*a, *b) : ir::min(*a, *b);
    };
    range = {widest(range.low, known->second.low, false), widest(range.high, known->second.high, true),
             known->second.depth};
  }
  ranges_[var] = range;
}

/// The depth of the innermost loop in an atom: where it changes.
int LinearIndices::depth(Expr atom) {
  int deepest = -1;
  for_each_node(atom, [&](Expr node) {
    if (node->op == ExprOp::Loop)
      if (auto found = ranges_.find(node->loop); found != ranges_.end())
        deepest = std::max(deepest, found->second.depth);
  });
  return deepest;
}

LinearIndices::Bound LinearIndices::atom_bound(Expr atom, bool is_upper) const {
  if (atom->op == ExprOp::Loop) {
    const auto found = ranges_.find(atom->loop);
    if (found == ranges_.end()) return std::nullopt;
    return is_upper ? found->second.high : found->second.low;
  }
  const auto found = atom_ranges_.find(atom);
  if (found == atom_ranges_.end()) return std::nullopt;
  return is_upper ? found->second.high : found->second.low;
}

LinearIndices::Bound LinearIndices::bound(const LinearIndex& a, bool is_upper) const {
  Dim sum = a.constant;
  for (const auto& [atom, coefficient] : a.terms) {
    const auto [lowest, highest] = facts_.range(coefficient);
    if (lowest < 0 && highest > 0) return std::nullopt;
    const Bound b = atom_bound(atom, is_upper == (lowest >= 0));
    if (!b) return std::nullopt;
    sum = sum + *b * coefficient;
  }
  return sum;
}

/// One assumption and a constant beyond it.
bool LinearIndices::follows_from_assumptions(const LinearIndex& at_least_0) {
  for (const LinearIndex& known : assumed_) {
    const LinearIndex more = plus(at_least_0, known, -1);
    if (more.is_constant() && facts_.range(more.constant).first >= 0) return true;
  }
  return false;
}

bool LinearIndices::proves_below(const LinearIndex& a, Dim limit) {
  const Bound high = bound(a, true);
  if (high && facts_.range(limit - 1 - *high).first >= 0) return true;
  return !assumed_.empty() && follows_from_assumptions(plus({limit - 1, {}}, a, -1));
}
bool LinearIndices::proves_at_least(const LinearIndex& a, Dim limit) {
  const Bound low = bound(a, false);
  if (low && facts_.range(*low - limit).first >= 0) return true;
  return !assumed_.empty() && follows_from_assumptions(plus(a, {limit, {}}, -1));
}
bool LinearIndices::proves_not_negative(const LinearIndex& a) { return proves_at_least(a, 0); }

LinearIndex LinearIndices::plus(LinearIndex a, const LinearIndex& b, Dim factor) {
  a.constant = a.constant + b.constant * factor;
  for (const auto& [atom, coefficient] : b.terms) {
    const Dim more = coefficient * factor;
    auto at = std::find_if(a.terms.begin(), a.terms.end(), [e = atom](const auto& t) { return t.first == e; });
    if (at != a.terms.end())
      at->second = at->second + more;
    else
      a.terms.emplace_back(atom, more);
  }
  std::erase_if(a.terms, [](const auto& t) { return t.second == Dim(0); });
  rejoin(a);
  std::stable_sort(a.terms.begin(), a.terms.end(),
                   [this](const auto& x, const auto& y) { return depth(x.first) < depth(y.first); });
  return a;
}

/// Whether an atom is `whole` mod something.
bool LinearIndices::is_remainder_of(Expr atom, const LinearIndex& whole) {
  if (atom->op != ExprOp::FloorMod || !of(atom->args[1]).is_constant()) return false;
  const LinearIndex of_atom = of(atom->args[0]);
  return of_atom.terms == whole.terms && of_atom.constant == whole.constant;
}

/// y mod E * c + y floordiv E * (c * E) = y * c, and with (y floordiv E) mod D in its place (y mod (E * D)) * c.
void LinearIndices::rejoin(LinearIndex& form) {
  for (size_t i = 0; i < form.terms.size(); ++i) {
    const auto [atom, c] = form.terms[i];
    if (atom->op != ExprOp::FloorMod) continue;
    const LinearIndex y = of(atom->args[0]), e = of(atom->args[1]);
    const LinearIndex partner = opaque_quotient(y, e.constant, false);
    if (partner.terms.size() != 1 || !(partner.constant == Dim(0))) continue;
    const auto at = std::find_if(form.terms.begin(), form.terms.end(), [&](const auto& t) {
      return t.second == c * e.constant && (t.first == partner.terms[0].first || is_remainder_of(t.first, partner));
    });
    if (at == form.terms.end()) continue;
    const Expr other = at->first;
    LinearIndex rest;
    rest.constant = form.constant;
    for (const auto& t : form.terms)
      if (t.first != atom && t.first != other) rest.terms.push_back(t);
    const bool is_whole = other == partner.terms[0].first;
    form = plus(std::move(rest), is_whole ? y : quotient(y, e.constant * of(other->args[1]).constant, true), c);
    return;
  }
}

LinearIndex LinearIndices::opaque(Expr e) { return {0, {{e, 1}}}; }

LinearIndex LinearIndices::opaque_quotient(const LinearIndex& a, Dim d, bool is_mod) {
  // (x floordiv E) floordiv D is x floordiv (E * D); (x mod E) mod D is x mod D where D divides E.
  if (a.terms.size() == 1 && a.constant == Dim(0) && a.terms[0].second == Dim(1)) {
    const Expr atom = a.terms[0].first;
    if (atom->op == ExprOp::FloorDiv && !is_mod)
      return quotient(of(atom->args[0]), of(atom->args[1]).constant * d, false);
    if (atom->op == ExprOp::FloorMod) {
      const Dim e = of(atom->args[1]).constant;
      if (const auto times = exact_quotient(e, d)) {
        if (is_mod) return quotient(of(atom->args[0]), d, true);
        return quotient(quotient(of(atom->args[0]), d, false), *times, true);
      }
    }
  }
  const Expr made = c_.binary(is_mod ? ExprOp::FloorMod : ExprOp::FloorDiv, expr(a), c_.dim(d));
  Range range{Dim(0), is_mod ? Bound(d - 1) : std::nullopt, 0};
  if (!is_mod) {
    const Bound high = bound(a, true);
    range.high = high ? Bound(ir::floor_div(*high, d)) : std::nullopt;
    if (!proves_not_negative(a)) range.low = std::nullopt;
  }
  atom_ranges_.emplace(made, range);
  LinearIndex form = opaque(made);
  forms_[made] = form;
  return form;
}

/// a floordiv d or a mod d, d positive: the terms that d divides come out.
std::optional<LinearIndex> LinearIndices::fine_part(const LinearIndex& a, Dim d) {
  if (!d.is_constant() || !a.constant.is_constant() || a.terms.size() < 2) return std::nullopt;
  for (const auto& [fine, unit] : a.terms) {
    int64_t step = d.constant();
    for (const auto& [atom, coefficient] : a.terms) {
      if (atom == fine) continue;
      if (!coefficient.is_constant()) return std::nullopt;
      step = std::gcd(step, coefficient.constant());
    }
    const LinearIndex part{ir::mod(a.constant, Dim(step)), {{fine, unit}}};
    if (step > 1 && proves_not_negative(part) && proves_below(part, Dim(step))) return part;
  }
  return std::nullopt;
}

LinearIndex LinearIndices::quotient(const LinearIndex& a, Dim d, bool is_mod) {
  if (d == Dim(1)) return is_mod ? LinearIndex{} : a;
  if (a.is_constant()) return {is_mod ? ir::mod(a.constant, d) : ir::floor_div(a.constant, d), {}};
  LinearIndex whole, rest;
  for (const auto& [atom, coefficient] : a.terms) {
    if (const auto q = exact_quotient(coefficient, d))
      whole.terms.emplace_back(atom, *q);
    else
      rest.terms.emplace_back(atom, coefficient);
  }
  if (a.constant.is_constant() && d.is_constant()) {
    whole.constant = ir::floor_div(a.constant, d);
    rest.constant = ir::mod(a.constant, d);
  } else if (const auto q = exact_quotient(a.constant, d)) {
    whole.constant = *q;
  } else {
    rest.constant = a.constant;
  }
  if (proves_not_negative(rest) && proves_below(rest, d)) return is_mod ? rest : whole;
  if (const auto fine = fine_part(rest, d)) {
    const LinearIndex open = opaque_quotient(plus(rest, *fine, -1), d, is_mod);
    return is_mod ? plus(open, *fine) : plus(whole, open);
  }
  const LinearIndex open = opaque_quotient(rest, d, is_mod);
  return is_mod ? open : plus(whole, open);
}

LinearIndex LinearIndices::extreme(Expr e) {
  const bool is_max = e->op == ExprOp::Max;
  const LinearIndex a = of(e->args[0]), b = of(e->args[1]);
  const LinearIndex difference = plus(a, b, -1);
  if (a.is_constant() && b.is_constant())
    return {is_max ? ir::max(a.constant, b.constant) : ir::min(a.constant, b.constant), {}};
  if (proves_at_least(difference, 0)) return is_max ? a : b;
  if (proves_below(difference, 1)) return is_max ? b : a;
  const Expr made = c_.binary(e->op, expr(a), expr(b));
  if (made->op != e->op) return of(made);
  Range range{std::nullopt, std::nullopt, 0};
  for (const LinearIndex* side : {&a, &b}) {
    if (const Bound low = bound(*side, false); low && is_max && !range.low) range.low = low;
    if (const Bound high = bound(*side, true); high && !is_max && !range.high) range.high = high;
  }
  atom_ranges_.emplace(made, range);
  return opaque(made);
}

LinearIndex LinearIndices::of(Expr e) {
  if (auto found = forms_.find(e); found != forms_.end()) return found->second;
  LinearIndex form;
  switch (e->op) {
    case ExprOp::Constant: {
      const auto value = static_cast<int64_t>(e->bits);
      form = std::abs(value) < kLargestConstant ? LinearIndex{Dim(value), {}} : opaque(e);
      break;
    }
    case ExprOp::DimSymbol:
      form = {Dim::symbol(e->symbol), {}};
      break;
    case ExprOp::Add:
    case ExprOp::Sub:
      form = plus(of(e->args[0]), of(e->args[1]), e->op == ExprOp::Add ? 1 : -1);
      break;
    case ExprOp::Mul: {
      LinearIndex a = of(e->args[0]), b = of(e->args[1]);
      if (a.is_constant()) std::swap(a, b);
      form = b.is_constant() ? plus({}, a, b.constant) : opaque(c_.binary(ExprOp::Mul, expr(a), expr(b)));
      break;
    }
    case ExprOp::FloorDiv:
    case ExprOp::FloorMod: {
      const LinearIndex a = of(e->args[0]), b = of(e->args[1]);
      const bool is_positive = b.is_constant() && facts_.range(b.constant).first >= (b.constant.is_constant() ? 1 : 0);
      if (!is_positive)
        form = opaque(c_.binary(e->op, expr(a), expr(b)));
      else
        form = quotient(a, b.constant, e->op == ExprOp::FloorMod);
      break;
    }
    case ExprOp::Min:
    case ExprOp::Max:
      form = extreme(e);
      break;
    default:
      form = opaque(e->op == ExprOp::Loop || e->op == ExprOp::Read ? e : simplify(e));
      break;
  }
  return forms_[e] = form;
}

Expr LinearIndices::expr(const LinearIndex& form) {
  Expr sum = c_.dim(form.constant);
  for (const auto& [atom, coefficient] : form.terms) {
    const auto [lowest, highest] = facts_.range(coefficient);
    const bool is_negative = highest < 0;
    const Expr term = c_.binary(ExprOp::Mul, atom, c_.dim(is_negative ? Dim(0) - coefficient : coefficient));
    sum = c_.binary(is_negative ? ExprOp::Sub : ExprOp::Add, sum, term);
  }
  return sum;
}

/// Comparisons of indices that the ranges decide.
Expr LinearIndices::compare(Expr e) {
  const LinearIndex a = of(e->args[0]), b = of(e->args[1]);
  const LinearIndex difference = plus(a, b, -1);
  const auto known = [&](bool value) { return c_.constant_bits(DType::boolean, value); };
  const bool at_least_0 = proves_at_least(difference, 0), below_1 = proves_below(difference, 1);
  const bool below_0 = proves_below(difference, 0), at_least_1 = proves_at_least(difference, 1);
  switch (e->op) {
    case ExprOp::Lt:
    case ExprOp::Ge:
      if (below_0 || at_least_0) return known(below_0 == (e->op == ExprOp::Lt));
      break;
    case ExprOp::Le:
    case ExprOp::Gt:
      if (below_1 || at_least_1) return known(below_1 == (e->op == ExprOp::Le));
      break;
    default:
      if (below_0 || at_least_1) return known(e->op == ExprOp::Ne);
      break;
  }
  return c_.binary(e->op, expr(a), expr(b));
}

Expr LinearIndices::simplify(Expr e) {
  if (auto found = simplified_.find(e); found != simplified_.end()) return found->second;
  Expr result = nullptr;
  const bool compares_indices = e->op >= ExprOp::Eq && e->op <= ExprOp::Ge && is_index(e->args[0]) && !reads_memory(e);
  if (compares_indices) {
    result = compare(e);
  } else {
    std::vector<Expr> args(e->args, e->args + e->arg_count);
    for (Expr& arg : args) {
      // A loaded i64 is data and its arithmetic wraps; what is made of loops and dimensions alone is an index.
      const bool is_linear = is_index(arg) && (e->op == ExprOp::Load || !reads_memory(arg));
      arg = is_linear ? expr(of(arg)) : simplify(arg);
    }
    const bool same = std::equal(args.begin(), args.end(), e->args);
    result = same ? e : rebuild(c_, e, args);
  }
  return simplified_[e] = result;
}

}  // namespace strata::compiler
