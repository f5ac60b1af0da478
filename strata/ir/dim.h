// Symbolic dimensions: integer polynomials over named symbols, with floor-division, modulo, min and max as atoms.
//
// A Dim is one word: a constant, or a pointer to an expression that is interned in canonical form, so that equality is
// a comparison of words: B*4 + 4 == (B + 1)*4. Facts hold what is known of the symbols; proofs use interval arithmetic
// on the canonical form, and what can't be proved becomes a check on entry (design.md, section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/base/callable/function_ref.h"
#include "strata/base/error/error.h"

namespace strata::ir {

struct DimExpr;  // interned polynomial, dim.cpp

class Dim {
 public:
  Dim() : Dim(int64_t{0}) {}
  /// E0122 outside of 62 bits.
  Dim(int64_t value) : bits_((static_cast<uint64_t>(value) << 1) | 1) {
    if (constant() != value) refuse(value);
  }
  Dim(int value) : Dim(static_cast<int64_t>(value)) {}

  static Dim symbol(std::string_view name);

  bool is_constant() const { return bits_ & 1; }
  /// The value of a constant; call only when is_constant().
  int64_t constant() const { return static_cast<int64_t>(bits_) >> 1; }
  /// The name, if this is a bare symbol.
  std::optional<std::string_view> symbol_name() const;
  /// The name and the factor, if this is a positive multiple of a symbol: B*4.
  std::optional<std::pair<std::string_view, int64_t>> scaled_symbol() const;

  friend bool operator==(Dim a, Dim b) { return a.bits_ == b.bits_; }

  std::string str() const;     ///< text form, which the IR parsers read: "B*4 + 1", "floordiv(B - 1, 2)"
  base::Hash128 hash() const;  ///< structural: the same in every process
  void collect_symbols(
      std::vector<std::string>& names) const;  ///< appends names not yet in `names`, in order of appearance

  /// The value when each symbol has the value that `binding` gives it.
  int64_t evaluate(base::FunctionRef<int64_t(std::string_view)> binding) const;
  /// Replaces symbols by dimensions; an empty answer keeps the symbol.
  Dim substitute(base::FunctionRef<std::optional<Dim>(std::string_view)> binding) const;

  const DimExpr* expr() const { return is_constant() ? nullptr : reinterpret_cast<const DimExpr*>(bits_); }

 private:
  friend struct DimExpr;
  friend Dim dim_of(const DimExpr*);
  [[noreturn]] static void refuse(int64_t value);
  uint64_t bits_;
};

/// Arithmetic outside of 62 bits throws E0122, when made and when evaluated.
Dim operator+(Dim a, Dim b);
Dim operator-(Dim a, Dim b);
Dim operator*(Dim a, Dim b);
Dim floor_div(Dim a, Dim b);  ///< the divisor is taken to be positive: B*4 / B is 4; at 0 the value is 0
Dim mod(Dim a, Dim b);        ///< in [0, b); at b = 0 the value is 0
Dim ceil_div(Dim a, Dim b);
Dim min(Dim a, Dim b);
Dim max(Dim a, Dim b);

/// The same arithmetic on values: E0122 outside of 62 bits; floor-division and modulo by 0 are 0.
int64_t dim_times(int64_t a, int64_t b);
int64_t dim_plus(int64_t a, int64_t b);
int64_t dim_floor_div(int64_t a, int64_t b);
int64_t dim_mod(int64_t a, int64_t b);

/// The structure of a canonical expression: constant + sum of coefficient * product of atoms. For walkers (lowering,
/// printers); made only by the operators above.
struct DimAtom {
  enum class Kind : uint8_t { Symbol, FloorDiv, Mod, Min, Max } kind;
  std::string name;  ///< Symbol
  Dim a, b;          ///< operands of the others
  base::Hash128 hash;
};
struct DimTerm {
  int64_t coefficient;
  std::vector<const DimAtom*> atoms;  ///< sorted, with repetition for powers; empty for the constant term
};
struct DimExpr {
  std::vector<DimTerm> terms;  ///< sorted
  base::Hash128 hash;
};

/// What is known of one symbol: lowest <= s <= highest, and divisible by `multiple`.
struct SymbolFact {
  std::string name;
  int64_t lowest = 0;
  int64_t highest = INT64_MAX;
  int64_t multiple = 1;
  /// Of a count, whose value is data of a program (ir/counts/counts.h): what bounds it.
  std::optional<Dim> capacity = std::nullopt;
  bool is_counted() const { return capacity.has_value(); }
  bool holds(int64_t value) const { return value >= lowest && value <= highest && value % multiple == 0; }
  bool operator==(const SymbolFact&) const = default;
};

/// Facts about the symbols of a program.
class Facts {
 public:
  void add(const SymbolFact& fact);  ///< joins with what is known of the symbol
  SymbolFact of(std::string_view name) const;
  std::span<const SymbolFact> all() const { return facts_; }
  /// Whether a symbol is a count, and whether one of d's is.
  bool has_counts() const { return has_counts_; }
  bool mentions_count(Dim d) const;

  /// Bounds that hold for every binding allowed by the facts; saturates at +-INT64_MAX.
  std::pair<int64_t, int64_t> range(Dim d) const;
  bool proves_divisible(Dim d, int64_t by) const;

 private:
  std::vector<SymbolFact> facts_;
  bool has_counts_ = false;
};

/// Reads the longest dimension that starts at `position` and moves `position` behind it: integers, names, + - *,
/// parentheses, floordiv, mod, ceildiv, min and max of two. What str() prints gives the same dimension again.
/// Error E0122 says at which position of the text.
base::Result<Dim> parse_dim_prefix(std::string_view text, size_t& position);
/// The whole text.
base::Result<Dim> parse_dim(std::string_view text);

/// Product of dimensions: the number of elements of a shape.
Dim product(std::span<const Dim> dims);

}  // namespace strata::ir
