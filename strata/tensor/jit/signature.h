// What kind of call this is: the structure of the arguments, their dtypes and shapes, with symbols for the dimensions
// that one program may serve in all sizes. Equal keys may be served by one program, if what that program assumes of the
// symbols' sizes (assumptions.h) holds.
//
// Dimension 0 of data is a symbol: of bare tensors and of tensors in pairs, tuples and arrays of them. A struct or a
// vector may hold parameters as well as data. There dimension 0 is a number until a call brings another number, for
// parameters come in one size and batches in many.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "strata/tensor/jit/jit.h"

namespace strata::jit_detail {

/// Which leaves of trees come in several sizes, by the structure of the arguments.
class VaryingLeaves {
 public:
  struct Seen {
    std::vector<int64_t> extents;  ///< of dimension 0 at the first call, by leaf of all arguments; -1: none
    std::vector<bool> varies;
    std::vector<bool> is_state;  ///< the function rebinds it
    bool any = false;
  };
  /// What is known after this call. Good until the next call.
  Seen& see(std::span<const Argument> arguments);

 private:
  std::unordered_map<base::Hash128, Seen, base::Hash128Hasher> by_structure_;
};

/// What a call is given: also of a tensor that was handed over, whose array has no elements (the program says whether
/// it needs them). Throws what Tensor::array() throws.
const HostArray& array_of(const Tensor& tensor);

class Signature {
 public:
  struct Symbol {
    std::string name;
    int64_t size;
    std::string where;  ///< "dimension 0 of argument 1"
  };
  /// `varying`: leaves of trees whose dimension 0 is a symbol; null: none. E0110, E0111 and E0116 for dimensions that
  /// the options name.
  Signature(std::span<const Argument> arguments, const JitOptions& options, const std::vector<bool>* varying);

  base::Hash128 key() const { return key_; }
  const std::vector<Symbol>& symbols() const { return symbols_; }
  const Symbol* find(std::string_view name) const;
  int64_t value_of(Dim d) const;
  /// Of the leaves, in order, with the symbols in their places; null for leaves without a tensor.
  std::vector<ir::Type> types(std::span<const Argument> arguments) const;

 private:
  struct Mark {
    size_t leaf;
    int axis;
    size_t symbol;
  };
  void add(const Leaf& leaf, size_t index, int argument, bool is_data);
  void name_axes(const Leaf& leaf, size_t index, int argument, const std::vector<int64_t>& shape);
  void mark(size_t leaf, int axis, size_t symbol) { marks_.push_back({leaf, axis, symbol}); }
  size_t named(const SymbolicDim& d, int64_t size, int argument);
  size_t batch(int64_t size, int argument, const Leaf& leaf);
  void check_options() const;

  const JitOptions* options_;
  const std::vector<bool>* varying_;
  base::Hash128 key_;
  std::vector<uint64_t> text_;  ///< what the key is the hash of
  std::vector<Symbol> symbols_;
  std::vector<Mark> marks_;  ///< by leaf
  size_t batches_ = 0;       ///< symbols that are no option's
  std::vector<bool> is_option_used_;
};

}  // namespace strata::jit_detail
