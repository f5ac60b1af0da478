// Index expressions as linear forms: constant + sum of coefficient * atom, where the coefficients are symbolic
// dimensions and the atoms are loop variables and what is not linear in them (quotients, remainders, loaded positions).
//
// On this form the index arithmetic that reshapes, windows and flattened reductions leave behind melts away:
//
//   (b*T + t) floordiv T                                   ->  b              the rest lies in [0, T)
//   (f floordiv 12) * 12 + ((f floordiv 4) mod 3) * 4 + f mod 4  ->  f        quotient and remainder meet again
//   (32*i + l) floordiv 784, mod 784           ->  (32*i) floordiv 784, (32*i) mod 784 + l, with l in 0..16
//   max(0, min(i, E - 1)) with i in 0..E                   ->  i
//
// Everything here is exact in integers; ranges come from loop bounds and from the facts of the kernel.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

/// constant + sum of terms. Terms have distinct atoms and coefficients that are not zero, outer loops first.
struct LinearIndex {
  ir::Dim constant;
  std::vector<std::pair<ir::loops::Expr, ir::Dim>> terms;

  ir::Dim coefficient(ir::loops::Expr atom) const;
  bool is_constant() const { return terms.empty(); }
};

/// Linear forms of the expressions of one kernel.
class LinearIndices {
 public:
  LinearIndices(ir::loops::LoopContext& context, const ir::Facts& facts) : c_(context), facts_(facts) {}

  /// Tells that a loop runs over begin..end, inside of those told before. Bounds that aren't made of dimensions leave
  /// the range open where they can't be bounded.
  void enter_loop(const ir::loops::LoopVar* var, ir::loops::Expr begin, ir::loops::Expr end);

  /// Tells that a form is 0 or more wherever the expressions to come stand. Before any of them is looked at.
  void assume_not_negative(LinearIndex form) { assumed_.push_back(std::move(form)); }

  LinearIndex of(ir::loops::Expr e);
  /// Written out, outer loops first, so that an inner loop adds to a prefix that does not change in it.
  ir::loops::Expr expr(const LinearIndex& form);
  /// The same value; every index in it (of loads, in comparisons) in linear form, proven comparisons and clamps gone.
  ir::loops::Expr simplify(ir::loops::Expr e);

  LinearIndex plus(LinearIndex a, const LinearIndex& b, ir::Dim factor = 1);
  bool proves_below(const LinearIndex& a, ir::Dim limit);     ///< a < limit
  bool proves_not_negative(const LinearIndex& a);             ///< a >= 0
  bool proves_at_least(const LinearIndex& a, ir::Dim limit);  ///< a >= limit

 private:
  using Bound = std::optional<ir::Dim>;
  LinearIndex opaque(ir::loops::Expr e);
  LinearIndex quotient(const LinearIndex& a, ir::Dim d, bool is_mod);
  /// What of a changes neither a floordiv d nor the rest of it but by adding: (32*i + l) floordiv 784 has l in [0, 16).
  std::optional<LinearIndex> fine_part(const LinearIndex& a, ir::Dim d);
  LinearIndex opaque_quotient(const LinearIndex& rest, ir::Dim d, bool is_mod);
  LinearIndex extreme(ir::loops::Expr e);
  void rejoin(LinearIndex& form);
  bool is_remainder_of(ir::loops::Expr atom, const LinearIndex& whole);
  int depth(ir::loops::Expr atom);
  Bound bound(const LinearIndex& a, bool is_upper) const;
  Bound atom_bound(ir::loops::Expr atom, bool is_upper) const;
  ir::loops::Expr compare(ir::loops::Expr e);
  bool follows_from_assumptions(const LinearIndex& at_least_0);

  ir::loops::LoopContext& c_;
  const ir::Facts& facts_;
  struct Range {
    Bound low, high;
    int depth;
  };
  std::unordered_map<const ir::loops::LoopVar*, Range> ranges_;
  std::vector<LinearIndex> assumed_;
  std::unordered_map<ir::loops::Expr, LinearIndex> forms_;
  std::unordered_map<ir::loops::Expr, ir::loops::Expr> simplified_;
  std::unordered_map<ir::loops::Expr, Range> atom_ranges_;
};

/// Whether `a` is a multiple of `b` whatever the symbols are; then the quotient.
std::optional<ir::Dim> exact_quotient(ir::Dim a, ir::Dim b);

}  // namespace strata::compiler
