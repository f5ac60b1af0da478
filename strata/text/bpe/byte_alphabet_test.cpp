#include "strata/text/bpe/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>

namespace strata::text {
namespace {

TEST(ByteAlphabet, SpellsEachByteByItsOwnCharacterAndBack) {
  std::set<char32_t> characters;
  for (int byte = 0; byte < 256; ++byte) {
    characters.insert(spelled_byte(static_cast<std::uint8_t>(byte)));
    const std::string one(1, static_cast<char>(byte));
    EXPECT_EQ(unspell_bytes(spell_bytes(one)), one);
  }
  EXPECT_EQ(characters.size(), 256u);
}

TEST(ByteAlphabet, UsesThePublishedCharacters) {
  EXPECT_EQ(spell_bytes(" a\n"), "\u0120a\u010A");
  EXPECT_EQ(spell_bytes("\xAD\x7F"), "\u0143\u0121");
}

TEST(ByteAlphabet, RefusesCharactersThatSpellNoByte) {
  EXPECT_FALSE(unspell_bytes(" ").has_value());
  EXPECT_FALSE(unspell_bytes("a\u00ADb").has_value());
  EXPECT_FALSE(unspell_bytes("\u4E2D").has_value());
  EXPECT_FALSE(unspell_bytes("\xFF").has_value());
}

TEST(ByteAlphabet, OrderFollowsTheCharacters) {
  const auto order = bytes_in_spelling_order();
  EXPECT_EQ(order[0], '!');
  EXPECT_EQ(order[188], 0);
  for (std::size_t i = 1; i < order.size(); ++i) EXPECT_LT(spelled_byte(order[i - 1]), spelled_byte(order[i]));
}

}  // namespace
}  // namespace strata::text
