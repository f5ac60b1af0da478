// Which characters are letters (\p{L}), numbers (\p{N}) and white space (\s): all that pre-tokenisation asks of
// Unicode.
//
// The classes follow Unicode 17, as the Hugging Face `tokenizers` library does; category_table.cpp is generated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace strata::text {

enum class Category : std::uint8_t { Rest = 0, Letter = 1, Number = 2, Space = 3 };

/// Two-stage table: index[c / 128] names a block of four words, 2 bits a code point.
struct CategoryTable {
  std::span<const std::uint8_t> index;
  std::span<const std::uint64_t> blocks;
};

CategoryTable category_table();

/// The class of a code point; unassigned code points, surrogates and values beyond U+10FFFF are Rest.
inline Category category_of(char32_t c) {
  const CategoryTable table = category_table();
  const std::size_t block = c >> 7;
  if (block >= table.index.size()) return Category::Rest;
  const std::uint64_t word = table.blocks[table.index[block] * std::size_t{4} + (c >> 5 & 3)];
  return static_cast<Category>(word >> (2 * (c & 31)) & 3);
}

}  // namespace strata::text
