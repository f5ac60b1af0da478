// What one recording takes for granted of the sizes of its symbols, because a type rule could not prove what it needed
// for all of them. Each assumption holds in the call that was recorded and is a condition of the program: calls in
// which it doesn't hold are served by another recording.
//
//   x + y of f32[B,3] and f32[B1,3], sizes 5 and 1     B1 = 1     the program stretches it
//   flatten(x) + y of f32[B,3] and f32[B1]             B1 = B*3   one program for all B
//   reshape(x, {-1, 4}) of f32[B,3]                    B = B_4*4  for a new symbol: a multiple of 4
//   x + c of f32[B] and a captured f32[3]              B = 3      at worst a symbol is a number, and each size another
//                                                                 program
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/ir/unproved.h"
#include "strata/tensor/jit/signature.h"

namespace strata::jit_detail {

class Assumptions {
 public:
  /// A dimension as the recorded program has it.
  Dim written(Dim d) const;
  ir::Type written(ir::Type type) const;
  bool hold(const Signature& signature) const;
  /// The first that does not hold, as a phrase; empty if all do.
  std::string broken(const Signature& signature) const;
  /// Of a dimension of the recorded program, in a call in which the assumptions hold.
  int64_t value_of(Dim d, const Signature& signature) const;
  /// Whether d holds nothing but symbols of the arguments.
  bool is_known(Dim d, const Signature& signature) const;

  /// Assumes what answers the question of a type rule; false if the sizes of the call say no, or nothing more can be
  /// assumed.
  bool answer(const ir::Unproved& question, const Signature& signature, const std::string& reason);
  /// The symbols in d are numbers; false if d has none.
  bool fix(Dim d, const Signature& signature, const std::string& reason);
  /// All symbols are numbers.
  bool fix_all(const Signature& signature, const std::string& reason);

  /// A line for each: "dimension 0 of argument 1 is 3: ...".
  std::string explained(const Signature& signature) const;

 private:
  struct Equal {
    std::string symbol;
    Dim value;  ///< of symbols that are left
    std::string reason;
  };
  /// A symbol that stands for the part of another.
  struct Part {
    std::string name, of;
    int64_t divisor;
  };
  int64_t size_of(std::string_view symbol, const Signature& signature) const;
  void set(const std::string& symbol, Dim value, const std::string& reason);
  bool assume_equal(Dim a, Dim b, const Signature& signature, const std::string& reason);
  bool assume_multiples(Dim difference, const Signature& signature, const std::string& reason);

  std::vector<Equal> equal_;
  std::vector<Part> parts_;
};

}  // namespace strata::jit_detail
