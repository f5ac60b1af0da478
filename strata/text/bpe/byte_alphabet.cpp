#include "strata/text/bpe/byte_alphabet.h"

#include "strata/text/unicode/utf8.h"

namespace strata::text {
namespace {

constexpr char32_t kFirstShifted = 0x100;
constexpr std::size_t kCharacters = 0x100 + 68;

constexpr bool spells_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> make_spelling() {
  std::array<char32_t, 256> spelling{};
  char32_t shifted = kFirstShifted;
  for (int byte = 0; byte < 256; ++byte) spelling[byte] = spells_itself(byte) ? char32_t(byte) : shifted++;
  return spelling;
}

constexpr std::array<char32_t, 256> kSpelling = make_spelling();

// The byte of each character; -1 for Latin-1 characters that spell none.
constexpr std::array<std::int16_t, kCharacters> make_bytes() {
  std::array<std::int16_t, kCharacters> bytes{};
  for (auto& byte : bytes) byte = -1;
  for (int byte = 0; byte < 256; ++byte) bytes[kSpelling[byte]] = static_cast<std::int16_t>(byte);
  return bytes;
}

constexpr std::array<std::int16_t, kCharacters> kByteOf = make_bytes();

}  // namespace

char32_t spelled_byte(std::uint8_t byte) { return kSpelling[byte]; }

std::array<std::uint8_t, 256> bytes_in_spelling_order() {
  std::array<std::uint8_t, 256> order{};
  std::size_t next = 0;
  for (std::int16_t byte : kByteOf) {
    if (byte >= 0) order[next++] = static_cast<std::uint8_t>(byte);
  }
  return order;
}

std::string spell_bytes(std::string_view bytes) {
  std::string spelling;
  spelling.reserve(bytes.size() + bytes.size() / 4);
  for (char byte : bytes) append_utf8(spelled_byte(static_cast<std::uint8_t>(byte)), spelling);
  return spelling;
}

std::optional<std::string> unspell_bytes(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  while (!spelling.empty()) {
    const DecodedChar c = decode_utf8(spelling);
    if (!c.valid || c.code_point >= kCharacters || kByteOf[c.code_point] < 0) return std::nullopt;
    bytes += static_cast<char>(kByteOf[c.code_point]);
    spelling.remove_prefix(c.bytes);
  }
  return bytes;
}

}  // namespace strata::text
