// Arrays whose elements are blocks of bytes (ir/encoding/): made by encode or from bytes, read by decode. Products take
// them as operands as they are, and movements that keep blocks whole move them. They have no tangents, like integers;
// gradients pass to the other operand of a product.
#pragma once

#include <optional>
#include <string_view>

#include "strata/ir/encoding/encoding.h"
#include "strata/ops/operands/handle.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

using ir::Encoding;

extern const Op kDecode, kEncode, kEncodedBytes, kFromEncodedBytes;

/// The elements, in the dtype that the format gives or in another.
STRATA_FUNCTION(decode, (x), (std::optional<DType> dtype = std::nullopt), (dtype))
/// Rounds as the format says (`strata ops encode`); x has the dtype that decode gives, or any float dtype for f32.
STRATA_FUNCTION(encode, (x), (Encoding encoding), (encoding))
/// The same by the format's name, "q8_0". E0142 for a name that no format has.
template <Handle V>
V encode(V x, std::string_view format, Source at = Source::here()) {
  return encode(x, noting_line(at, [&] { return ir::encoding_named(format); }), at);
}
/// The bytes that store an encoded array: u8, whole blocks along the last axis but one, or flat for integers of 4 and 2
/// bits.
STRATA_FUNCTION(encoded_bytes, (x), (), ())
/// An array of this shape from such bytes, for weights that a file brings encoded.
STRATA_FUNCTION(from_encoded_bytes, (bytes), (Encoding encoding, const Shape& shape), (encoding, shape))

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::decode, ops::encode, ops::encoded_bytes, ops::from_encoded_bytes;

}  // namespace strata
