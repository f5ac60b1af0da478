#include "strata/data/idx/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/data/gzip/gunzip.h"

namespace strata::data {
namespace {

using base::Error;
using base::Result;
using ir::DType;

constexpr int kMaxRank = 8;

std::optional<DType> element_type(uint8_t code) {
  switch (code) {
    case 0x08:
      return DType::u8;
    case 0x09:
      return DType::i8;
    case 0x0B:
      return DType::i16;
    case 0x0C:
      return DType::i32;
    case 0x0D:
      return DType::f32;
    case 0x0E:
      return DType::f64;
    default:
      return std::nullopt;
  }
}

Error malformed(const std::string& source, std::string_view what, std::string_view expected, std::string_view found) {
  return Error(base::code::kMalformedIdx, fmt::format("{}: {}: expected {}, found {}", source, what, expected, found));
}

/// Copies elements whose bytes stand in the opposite order.
void copy_swapped(std::span<const std::byte> from, std::byte* to, size_t width) {
  for (size_t i = 0; i < from.size(); i += width) std::reverse_copy(&from[i], &from[i] + width, to + i);
}

struct Header {
  DType dtype = DType::u8;
  std::vector<int64_t> shape;
  uint64_t element_bytes = 0;  ///< of all elements
};

Result<Header> read_header(base::ByteReader& reader, const std::string& source) {
  auto magic = reader.big<uint32_t>("magic number");
  if (!magic) return magic.error();
  const auto dtype = element_type(static_cast<uint8_t>(*magic >> 8));
  if (*magic >> 16 != 0 || !dtype)
    return malformed(source, "magic number", "0x0000TTRR with type TT of 08 09 0B 0C 0D 0E",
                     fmt::format("0x{:08X}", *magic));
  const int rank = *magic & 0xFF;
  if (rank < 1 || rank > kMaxRank)
    return malformed(source, "rank", fmt::format("1 to {}", kMaxRank), fmt::to_string(rank));
  Header header{.dtype = *dtype};
  // Of extents other than 0: beside a 0 they must be small too, since their product is taken in some order elsewhere.
  uint64_t product = ir::dtype_bytes(*dtype);
  bool empty = false;
  for (int axis = 0; axis < rank; ++axis) {
    auto extent = reader.big<uint32_t>("extent");
    if (!extent) return extent.error();
    header.shape.push_back(*extent);
    empty = empty || *extent == 0;
    if (*extent != 0 && product <= kMaxIdxBytes) product *= *extent;  // at most 2^63
  }
  if (product > kMaxIdxBytes)
    return malformed(source, "elements", fmt::format("at most {} bytes", kMaxIdxBytes),
                     fmt::format("extents [{}]", fmt::join(header.shape, ", ")));
  header.element_bytes = empty ? 0 : product;
  return header;
}

/// How many bytes the file's own header asks for: a few compressed kilobytes can unpack to gigabytes.
Result<size_t> unpacked_bytes(std::span<const std::byte> packed, const std::string& source) {
  const std::string head = gunzip_head(packed, 4 + 4 * size_t{kMaxRank});
  if (head.size() < 4) return kMaxIdxBytes;  // unpacking tells why
  base::ByteReader reader(std::as_bytes(std::span(head)), source);
  auto header = read_header(reader, source);
  if (!header) return header.error();
  return reader.position() + header->element_bytes;
}

}  // namespace

Result<ir::HostArray> parse_idx(std::span<const std::byte> bytes, const std::string& source) {
  base::ByteReader reader(bytes, source);
  auto header = read_header(reader, source);
  if (!header) return header.error();
  if (header->element_bytes != reader.remaining())
    return malformed(source, "elements", fmt::format("{} bytes", header->element_bytes),
                     fmt::format("{} up to the end", reader.remaining()));
  auto elements = reader.take(header->element_bytes, "elements");
  if (!elements) return elements.error();
  ir::HostArray array(header->dtype, std::move(header->shape));
  const size_t width = ir::dtype_bytes(header->dtype);
  if (width > 1)
    copy_swapped(*elements, array.data(), width);
  else if (!elements->empty())
    std::memcpy(array.data(), elements->data(), elements->size());
  return array;
}

Result<ir::HostArray> read_idx(const std::string& path) {
  auto file = base::MappedFile::open(path);
  if (!file) return file.error();
  if (!is_gzip(file->bytes())) return parse_idx(file->bytes(), path);
  auto most_bytes = unpacked_bytes(file->bytes(), path);
  if (!most_bytes) return most_bytes.error();
  auto text = gunzip(file->bytes(), *most_bytes, path);
  if (!text) return text.error();
  return parse_idx(std::as_bytes(std::span(*text)), path);
}

}  // namespace strata::data
