// What an element of a type is: a dtype, or one of a block of elements that are stored together as bytes and read
// through a decode function (block_format.h). What is stored of an array of blocks is u8, so dtype() of such an
// encoding is u8; only the ops that say so take it (Op::encoded).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "strata/ir/dtype.h"

namespace strata::ir {

struct BlockFormat;

class Encoding {
 public:
  constexpr Encoding(DType plain = DType::f32) : dtype_(plain) {}
  explicit constexpr Encoding(const BlockFormat* format) : dtype_(DType::u8), format_(format) {}

  constexpr bool is_plain() const { return format_ == nullptr; }
  /// Of what is stored: u8 for blocks.
  constexpr DType dtype() const { return dtype_; }
  /// Of what is read: what the decode function gives.
  DType value_dtype() const;
  /// Null of a dtype. Formats live as long as the process.
  constexpr const BlockFormat* format() const { return format_; }
  std::string_view name() const;
  constexpr bool operator==(const Encoding&) const = default;

 private:
  DType dtype_;
  const BlockFormat* format_ = nullptr;
};

/// The dtype or format of this name.
std::optional<Encoding> find_encoding(std::string_view name);
/// The same; E0142 with the nearest name for an unknown one.
Encoding encoding_named(std::string_view name);
/// The formats that Strata brings: f8_e4m3, q4_0, ...
std::vector<Encoding> built_in_encodings();

/// Makes `name` stand for a format from now on, in all programs of the process. `kernels` is the text of one or two
/// loop programs, which say its shape, its bytes and its meaning:
///
///   kernel @decode(%b: u8[18]) -> (%y: f32[32]) { for i in 0..32 { %y[i] = ... } }      one store, of element i
///   kernel @encode(%x: f32[32]) -> (%b: u8[18]) { ... }                                 may be left out
///
/// A format's identity is its shape, its bytes and its decode function. E0141 for a text that is none of these; E0142
/// for a name that is taken by another format, and for a format that has a name already.
Encoding declare_encoding(std::string_view name, std::string_view kernels);

}  // namespace strata::ir
