// A bounded reader over bytes that someone else owns: the only way in which Strata's parsers look at untrusted bytes.
// No call ever reads past the end; each failure is E0003 and names the source, the offset, what was expected and what
// was found. A failed call does not move the position.
//
//   ByteReader reader(file.bytes(), file.path());
//   Result<uint64_t> header = reader.little<uint64_t>("header size");
//   if (!header) return header.error();
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "strata/base/error/error.h"

namespace strata::base {

class ByteReader {
 public:
  /// Reads from `bytes`; `source` (a file name) stands in messages; `origin` is added to offsets in messages when
  /// `bytes` is a part of a larger file.
  explicit ByteReader(std::span<const std::byte> bytes, std::string source, uint64_t origin = 0)
      : bytes_(bytes), source_(std::move(source)), origin_(origin) {}

  size_t remaining() const { return bytes_.size() - position_; }
  size_t position() const { return position_; }
  bool at_end() const { return remaining() == 0; }
  const std::string& source() const { return source_; }

  /// An integer or float in little-endian order; `what` names the field in messages.
  template <class T>
  Result<T> little(std::string_view what) {
    return number<T>(what, Order::Little);
  }
  /// The same in big-endian order (IDX files, PNG).
  template <class T>
  Result<T> big(std::string_view what) {
    return number<T>(what, Order::Big);
  }

  /// The next `count` bytes, not copied.
  Result<std::span<const std::byte>> take(uint64_t count, std::string_view what);
  /// The next `count` bytes as text, copied. The text may hold any byte.
  Result<std::string> text(uint64_t count, std::string_view what);
  Result<size_t> skip(uint64_t count, std::string_view what);
  /// Moves to an absolute position in the bytes.
  Result<size_t> seek(uint64_t position, std::string_view what);
  /// Reads text.size() bytes and fails unless they are `magic`.
  Result<size_t> expect(std::string_view magic, std::string_view what);

  /// E0003 at the present position, for failures that the caller finds: "expected <expected>, found <found>".
  Error fail(std::string_view what, std::string_view expected, std::string_view found) const;

 private:
  enum class Order { Little, Big };

  template <class T>
  Result<T> number(std::string_view what, Order order) {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8);
    if (remaining() < sizeof(T)) return shortage(sizeof(T), what);
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      const size_t from = order == Order::Little ? sizeof(T) - 1 - i : i;
      bits = (bits << 8) | static_cast<uint64_t>(bytes_[position_ + from]);
    }
    position_ += sizeof(T);
    T value;  // the low bytes of `bits`: the hosts that Strata runs on are little-endian
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
  }
  Error shortage(uint64_t needed, std::string_view what) const;

  std::span<const std::byte> bytes_;
  std::string source_;
  uint64_t origin_;      ///< bytes before bytes_ in the file
  size_t position_ = 0;  ///< bytes; never above bytes_.size()
};

}  // namespace strata::base
