// The King James Bible of Debian's package bible-kjv-text: 4.4 MB of public-domain English, a verse a line, and frozen:
// the file has not changed since 1993. Measurements that must be the same everywhere read it.
#pragma once

#include <string>
#include <string_view>

#include "strata/base/error/error.h"

namespace strata::bench {

inline constexpr std::string_view kKingJamesFile = "/usr/lib/bible.data";
inline constexpr std::string_view kKingJamesSha256 = "e53aaf0af1e58f259e35d0d9f7ca1bbe154fd77bb95471279b37b34d3c397a98";

/// The text. Errors: E0001 (the package isn't installed), E0721 (the file isn't what it should be: the message says
/// what).
base::Result<std::string> king_james(const std::string& path = std::string(kKingJamesFile));

}  // namespace strata::bench
