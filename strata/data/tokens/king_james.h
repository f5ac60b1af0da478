// The King James Bible as a frozen text: the parity test trains on it, so its bytes are pinned.
//
// Debian's package bible-kjv-text holds it in one file, cut into windows of 64 KiB that are packed by themselves with
// the LZW of Unix compress:
//
//   0   "EC02Compressed Data File", zeros
//   84  window size: u32 | windows: u32 | offsets: u32, one a window and the end | 1F 9D 90 | windows' codes ...
//
// All numbers are big-endian. compress's 3-byte header stands once, before the first window.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/error/error.h"

namespace strata::data {

constexpr std::string_view kKingJamesPath = "/usr/lib/bible.data";
/// Of the text as king_james_text() gives it.
constexpr std::string_view kKingJamesSha256 = "e53aaf0af1e58f259e35d0d9f7ca1bbe154fd77bb95471279b37b34d3c397a98";

/// Unpacks what compress packed with 16-bit codes in block mode, without its header; bounded. Errors: E0600.
base::Result<std::string> unpack_lzw(std::span<const std::byte> codes, size_t most_bytes, std::string_view source);

/// The text of the package's file. Errors: E0600.
base::Result<std::string> parse_king_james(std::span<const std::byte> bytes, const std::string& source);

/// The text, a verse a line ("Ge1:1 In the beginning ..."), ASCII, 4.4 MB. Throws E0634 when the package isn't
/// installed, E0642 when the text isn't the pinned one, E0600.
std::string king_james_text(const std::string& path = std::string(kKingJamesPath));

}  // namespace strata::data
