// Numbers as people read them: durations, bytes, counts, rates. Decimal prefixes (1 kB = 1000 bytes), about three
// digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::base {

/// 950 -> "950", 2.8e6 -> "2.8 M", 9'400'000 -> "9.4 M", 124e6 -> "124 M".
std::string count_text(double count);
/// 512 -> "512 B", 33e6 -> "33 MB", 1.5e9 -> "1.5 GB".
std::string bytes_text(double bytes);
/// "840 ns", "12 us", "3.4 ms", "2.5 s", "1:24", "2:03:04", "3 d 4:05".
std::string duration_text(double seconds);
/// A clock for what is left: "0:07", "1:24", "2:03:04"; "?" when it isn't known (negative, NaN).
std::string clock_text(double seconds);
/// (8100, "tok") -> "8.1 k tok/s".
std::string rate_text(double per_second, std::string_view unit);

}  // namespace strata::base
