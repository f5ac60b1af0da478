// CRC-32C (Castagnoli), the checksum of TFRecord files. Not zlib's crc32, which has another polynomial.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata::report {

/// CRC-32C of the bytes (RFC 3720, B.4: "123456789" has e3069283).
std::uint32_t crc32c(std::string_view bytes);

/// As TFRecord stores it: rotated and shifted, so that the checksum of data that contains checksums stays a good one.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace strata::report
