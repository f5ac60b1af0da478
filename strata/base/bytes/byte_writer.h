// Appends numbers and text to a growing byte string in a given order: the counterpart of ByteReader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace strata::base {

class ByteWriter {
 public:
  template <class T>
  ByteWriter& little(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));  // hosts are little-endian
    return *this;
  }
  template <class T>
  ByteWriter& big(T value) {
    static_assert(std::is_arithmetic_v<T>);
    const char* raw = reinterpret_cast<const char*>(&value);
    for (size_t i = sizeof(T); i-- > 0;) bytes_ += raw[i];
    return *this;
  }
  ByteWriter& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  /// Zero bytes up to the next multiple of `alignment`.
  ByteWriter& pad_to(size_t alignment) {
    while (bytes_.size() % alignment != 0) bytes_ += '\0';
    return *this;
  }

  size_t size() const { return bytes_.size(); }
  const std::string& str() const { return bytes_; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

}  // namespace strata::base
