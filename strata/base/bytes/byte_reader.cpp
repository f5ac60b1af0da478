#include "strata/base/bytes/byte_reader.h"
#include "strata/base/error/codes/base_codes.h"

#include <fmt/format.h>

namespace strata::base {
namespace {

/// Up to 16 bytes as they stand in messages: printable text in quotes, else hex.
std::string show_bytes(std::span<const std::byte> bytes) {
  bytes = bytes.first(std::min<size_t>(bytes.size(), 16));
  std::string quoted = "\"", hex = "0x";
  bool printable = true;
  for (std::byte b : bytes) {
    const auto c = static_cast<unsigned char>(b);
    printable = printable && c >= 0x20 && c < 0x7f;
    quoted += static_cast<char>(c);
    hex += fmt::format("{:02x}", c);
  }
  return printable ? quoted + "\"" : hex;
}

}  // namespace

Error ByteReader::fail(std::string_view what, std::string_view expected, std::string_view found) const {
  return Error(code::kMalformedBinary, fmt::format("{}: {} at byte {}: expected {}, found {}", source_, what,
                                                   origin_ + position_, expected, found));
}

Error ByteReader::shortage(uint64_t needed, std::string_view what) const {
  return fail(what, fmt::format("{} bytes", needed), fmt::format("{} before the end", remaining()));
}

Result<std::span<const std::byte>> ByteReader::take(uint64_t count, std::string_view what) {
  if (count > remaining()) return shortage(count, what);
  const auto part = bytes_.subspan(position_, count);
  position_ += count;
  return part;
}

Result<std::string> ByteReader::text(uint64_t count, std::string_view what) {
  const auto part = take(count, what);
  if (!part) return part.error();
  return std::string(reinterpret_cast<const char*>(part->data()), part->size());
}

Result<size_t> ByteReader::skip(uint64_t count, std::string_view what) {
  if (count > remaining()) return shortage(count, what);
  position_ += count;
  return position_;
}

Result<size_t> ByteReader::seek(uint64_t position, std::string_view what) {
  if (position > bytes_.size())
    return fail(what, fmt::format("a position of at most {}", origin_ + bytes_.size()),
                fmt::format("{}", origin_ + position));
  position_ = position;
  return position_;
}

Result<size_t> ByteReader::expect(std::string_view magic, std::string_view what) {
  const auto wanted = std::as_bytes(std::span(magic));
  const auto there = bytes_.subspan(position_, std::min(remaining(), magic.size()));
  if (there.size() < magic.size() || __builtin_memcmp(there.data(), magic.data(), magic.size()) != 0)
    return fail(what, show_bytes(wanted), there.empty() ? "the end" : show_bytes(there));
  position_ += magic.size();
  return position_;
}

}  // namespace strata::base
