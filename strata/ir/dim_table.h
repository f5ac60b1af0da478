// Many dimensions of one program, evaluated together: each expression, and each atom that several of them share, once.
// A plan has thousands of sizes and costs that are a few dozen formulas of two or three symbols.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "strata/ir/dim.h"

namespace strata::ir {

class DimTable {
 public:
  /// The symbols that may occur, in the order in which their values are given; others are refused by add() (E0110).
  explicit DimTable(std::span<const std::string> symbols);

  /// Where the value of d will stand among the values. The same for the same dimension.
  int add(Dim d);
  /// The values of all dimensions that were added; E0122 when one leaves 62 bits.
  std::vector<int64_t> evaluate(std::span<const int64_t> symbols) const;

 private:
  enum class Kind : uint8_t { Sum, FloorDiv, Mod, Min, Max };
  /// Computes the value at `target` from values in front of it: of two (a, b), or of the terms [a, b).
  struct Step {
    Kind kind;
    int target, a, b;
  };
  struct Term {
    int64_t coefficient;
    int first, last;  ///< factors: [first, last) of factors_
  };
  int place() { return initial_.size(); }
  int place_of_atom(const DimAtom& atom);

  std::vector<int64_t> initial_;  ///< the values of constants, and 0 in the other places; symbols come first
  std::vector<Step> steps_;
  std::vector<Term> terms_;
  std::vector<int> factors_;  ///< places
  size_t symbol_count_;
  std::unordered_map<std::string, int> symbols_;
  std::unordered_map<const void*, int> places_;  ///< of expressions and atoms, which are interned
  std::unordered_map<int64_t, int> constants_;
};

}  // namespace strata::ir
