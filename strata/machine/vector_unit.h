// What a schedule has to know of a processor that computes with vectors; the instruction set itself is the target's.
#pragma once

#include <cstdint>

namespace strata::machine {

struct VectorUnit {
  int bytes = 16;              ///< of a register
  int registers = 16;          ///< that a program can name
  bool has_word_dots = false;  ///< products of pairs of i16, added into i32 (VPMADDWD)
  bool has_byte_dots = false;  ///< and of four u8 by i8 (VPDPBUSD)
  bool has_half_dots = false;  ///< of pairs of bf16, added into f32 without denormals (VDPBF16PS)

  /// Elements of so many bytes in a register, at least 1.
  constexpr int lanes(int64_t element_bytes) const {
    return bytes > element_bytes ? static_cast<int>(bytes / element_bytes) : 1;
  }
  /// No more than what any processor of this family has: tiles stay small then, and are not spread over vectors.
  constexpr bool is_narrow() const { return bytes <= 16; }
  friend constexpr bool operator==(const VectorUnit&, const VectorUnit&) = default;
};

}  // namespace strata::machine
