// The spelling of bytes as printable characters that byte-level BPE files use (GPT-2's `bytes_to_unicode`).
//
// Printable Latin-1 bytes (0x21-0x7E, 0xA1-0xAC, 0xAE-0xFF) stand for themselves; the other 68 are, in order, U+0100
// and on: a space is U+0120 (G with a dot). In memory tokens are plain bytes; the spelling exists only in
// tokenizer.json.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::text {

/// The character that spells `byte`.
char32_t spelled_byte(std::uint8_t byte);

/// The 256 bytes by ascending character that spells them: the order of the single-byte tokens of a trained vocabulary.
std::array<std::uint8_t, 256> bytes_in_spelling_order();

/// `bytes` as the UTF-8 spelling.
std::string spell_bytes(std::string_view bytes);

/// The bytes that `spelling` stands for; nothing if it is not valid UTF-8 or has a character outside the alphabet.
std::optional<std::string> unspell_bytes(std::string_view spelling);

}  // namespace strata::text
