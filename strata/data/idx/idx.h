// Reads IDX files, the format of MNIST and its relatives, plain or compressed by gzip.
//
//   | 0 0 | type: u8 | rank: u8 | extent: u32 big-endian, rank times | elements, big-endian, row-major |
//
// Types: 0x08 u8, 0x09 i8, 0x0B i16, 0x0C i32, 0x0D f32, 0x0E f64. The bytes are untrusted.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/error/error.h"
#include "strata/ir/host_array.h"

namespace strata::data {

/// Largest content that is read, unpacked: the training images of MNIST take 47 MB.
constexpr size_t kMaxIdxBytes = size_t{1} << 31;

/// The array of a file's bytes (not compressed). `source` names it in messages. Errors: E0633, E0003 (truncated).
base::Result<ir::HostArray> parse_idx(std::span<const std::byte> bytes, const std::string& source);

/// Reads a file, unpacking it when it is gzip. Errors: E0001, E0638 and those of parse_idx.
///
///   ir::HostArray images = data::read_idx("train-images-idx3-ubyte.gz").value();   // u8 [60000,28,28]
base::Result<ir::HostArray> read_idx(const std::string& path);

}  // namespace strata::data
