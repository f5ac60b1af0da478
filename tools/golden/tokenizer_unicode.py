#!/usr/bin/env python3
"""Writes strata/text/unicode/category_table.cpp: which code points are letters, numbers and white space.

The classes are asked of the Hugging Face `tokenizers` library, code point by code point, because a tokenizer.json means
what that library does with it; version 0.23 follows Unicode 17. A table of our own keeps tokenisation independent of the
Unicode version of whatever library the host has installed.

    python3 tools/golden/tokenizer_unicode.py strata/text/unicode/category_table.cpp
"""
import sys

import tokenizers
from tokenizers import Regex, pre_tokenizers

BLOCK = 128  # code points a block: the size for which index and blocks together are smallest


def members(pattern):
    """The code points that match a one-character pattern."""
    found = set()
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    for base in range(0, 0x110000, 256):
        chars = {chr(c) for c in range(base, base + 256) if not 0xD800 <= c < 0xE000}
        if chars:
            kept = "".join(piece for piece, _ in split.pre_tokenize_str("".join(sorted(chars))))
            found |= {ord(c) for c in chars - set(kept)}
    return found


def packed_blocks(class_of, last):
    """Per block, 2 bits a code point, 32 code points a word, first code point in the lowest bits."""
    for base in range(0, last + 1, BLOCK):
        words = []
        for start in range(base, base + BLOCK, 32):
            words.append(sum(class_of.get(start + i, 0) << (2 * i) for i in range(32)))
        yield tuple(words)


def rows(items, per_line):
    return "\n".join("    " + " ".join(f"{x}," for x in items[i : i + per_line]) for i in range(0, len(items), per_line))


def main():
    class_of = {}
    for value, pattern in ((1, r"\p{L}"), (2, r"\p{N}"), (3, r"\s")):
        class_of.update({c: value for c in members(pattern)})
    last = max(class_of)
    blocks, index = [], []
    for block in packed_blocks(class_of, last):
        if block not in blocks:
            blocks.append(block)
        index.append(blocks.index(block))
    assert len(blocks) < 256
    words = [f"0x{w:016x}" for block in blocks for w in block]
    with open(sys.argv[1], "w") as out:
        out.write(f"""// Letters (1), numbers (2), white space (3) and the rest (0), 2 bits a code point.
//
// Written by tools/golden/tokenizer_unicode.py from tokenizers {tokenizers.__version__}; don't edit. Code point c is in block
// index[c / {BLOCK}]; a block is {BLOCK // 32} words of 32 code points, the first in the lowest bits. Beyond the index all is "rest".
#include "strata/text/unicode/category.h"

namespace strata::text {{
namespace {{

// clang-format off
constexpr std::uint8_t kIndex[] = {{
{rows(index, 32)}
}};

constexpr std::uint64_t kBlocks[] = {{
{rows(words, 6)}
}};
// clang-format on

}}  // namespace

CategoryTable category_table() {{ return {{kIndex, kBlocks}}; }}

}}  // namespace strata::text
""")
    print(len(blocks), "blocks,", len(index), "index entries")


if __name__ == "__main__":
    main()
