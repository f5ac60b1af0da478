// Arrays whose elements are blocks of bytes (ir/encoding/): made by encode or from bytes, read by decode. Products take
// them as operands as they are, and movements that keep blocks whole move them. They have no tangents, like integers;
// gradients pass to the other operand of a product.
#pragma once

#include <optional>

#include "strata/ir/encoding/encoding.h"
#include "strata/ops/operands/handle.h"

namespace strata::ops {

using ir::Encoding;

extern const Op kDecode, kEncode, kEncodedBytes, kFromEncodedBytes;

// On graph values.
/// The elements, in the dtype that the format gives or in another.
Value decode(Value x, std::optional<DType> dtype = std::nullopt);
/// Rounds as the format says (`strata ops encode`); x has the dtype that decode gives, or any float dtype for f32.
Value encode(Value x, Encoding encoding);
/// The bytes that store an encoded array: u8, whole blocks along the last axis but one, or flat for integers of 4 and 2
/// bits.
Value encoded_bytes(Value x);
/// An array of this shape from such bytes, for weights that a file brings encoded.
Value from_encoded_bytes(Value bytes, Encoding encoding, const Shape& shape);

// On any handle.
template <Handle V>
V decode(V x, std::optional<DType> dtype = std::nullopt, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return decode(v, dtype); }, x);
}
template <Handle V>
V encode(V x, Encoding encoding, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return encode(v, encoding); }, x);
}
template <Handle V>
V encoded_bytes(V x, Source at = Source::here()) {
  return lift<V>(at, [](Value v) { return encoded_bytes(v); }, x);
}
template <Handle V>
V from_encoded_bytes(V bytes, Encoding encoding, const Shape& shape, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return from_encoded_bytes(v, encoding, shape); }, bytes);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::decode, ops::encode, ops::encoded_bytes, ops::from_encoded_bytes;

}  // namespace strata
