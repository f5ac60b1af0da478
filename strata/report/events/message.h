// The wire form of a protobuf message, as much of it as event files need: written field by field, in the order of the
// calls.
//
//   field = varint(number << 3 | kind), then: kind 0 a varint, 1 eight bytes, 2 a varint length and bytes, 5 four bytes
//
// Unlike proto3's generated code it writes zeros too; readers take both. Specification:
// protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::report {

class Message {
 public:
  Message& integer(int field, std::int64_t value);  ///< int32, int64, enum: negative values take ten bytes
  Message& number(int field, double value);
  Message& number(int field, float value);
  Message& bytes(int field, std::string_view value);
  Message& message(int field, const Message& value) { return bytes(field, value.encoded_); }

  const std::string& encoded() const { return encoded_; }

 private:
  void varint(std::uint64_t value);
  void key(int field, int kind) { varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(kind)); }
  void little_endian(std::uint64_t bits, int bytes);

  std::string encoded_;
};

}  // namespace strata::report
