// Block formats whose elements are integers under one scale: what decodes to f32(integer) * scale. It is read off the
// decode function, so a format that a user declares counts as well as those that Strata brings:
//
//   q4_0   mul(cast(f32, sub(cast(i32, nibble), 8)), scale)     integers -8..7, in 32 elements under one scale
//   q8_0   mul(cast(f32, bitcast(i8, byte)), scale)             -128..127
//   nf4    mul(select(...), scale)                              none: its elements are floats
#pragma once

#include <optional>

#include "strata/ir/encoding/block_format.h"

namespace strata::ir {

struct IntegerRange {
  int64_t low, high;
  friend bool operator==(const IntegerRange&, const IntegerRange&) = default;
};
/// Bounds of an integer expression of one lane or many, from its operations: those of its dtype where they say no more.
IntegerRange range_of(loops::Expr e);

/// The two factors, as parts of the decode function (part_of_decode).
struct ScaledIntegers {
  loops::Expr integer;  ///< depends on the element's index
  loops::Expr scale;    ///< f32, and does not
  IntegerRange range;   ///< of `integer`
};
/// Empty if the format decodes to something else, or if integers are wider than bytes.
std::optional<ScaledIntegers> scaled_integers(const BlockFormat& format);

/// Reads the integers and the scale of blocks. The format has them.
class ScaledIntegersReader {
 public:
  explicit ScaledIntegersReader(const BlockFormat& format);
  /// `integers`: as many as a block has elements.
  void operator()(const std::byte* bytes, int32_t* integers, float& scale) const;

 private:
  loops::Interpreter interpreter_;
};

}  // namespace strata::ir
