#include "strata/report/events/message.h"

#include <bit>

namespace strata::report {

void Message::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) encoded_ += static_cast<char>((value & 0x7F) | 0x80);
  encoded_ += static_cast<char>(value);
}

void Message::little_endian(std::uint64_t bits, int bytes) {
  for (int i = 0; i < bytes; ++i) encoded_ += static_cast<char>(bits >> (8 * i) & 0xFF);
}

Message& Message::integer(int field, std::int64_t value) {
  key(field, 0);
  varint(value);
  return *this;
}

Message& Message::number(int field, double value) {
  key(field, 1);
  little_endian(std::bit_cast<std::uint64_t>(value), 8);
  return *this;
}

Message& Message::number(int field, float value) {
  key(field, 5);
  little_endian(std::bit_cast<std::uint32_t>(value), 4);
  return *this;
}

Message& Message::bytes(int field, std::string_view value) {
  key(field, 2);
  varint(value.size());
  encoded_ += value;
  return *this;
}

}  // namespace strata::report
