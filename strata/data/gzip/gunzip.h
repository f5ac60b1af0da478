// Unpacks gzip (RFC 1952) in memory, bounded: a small file that would unpack to more than was allowed is refused.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/error/error.h"

namespace strata::data {

/// Whether the bytes begin as a gzip file does.
bool is_gzip(std::span<const std::byte> bytes);

/// All members end to end, with their checksums tested. `source` stands in messages. Errors: E0638.
base::Result<std::string> gunzip(std::span<const std::byte> bytes, size_t most_bytes, std::string_view source);

/// The first `count` unpacked bytes or fewer, as far as the data go: to look at a header before the rest is unpacked.
std::string gunzip_head(std::span<const std::byte> bytes, size_t count);

}  // namespace strata::data
