// Text on its way into HTML, SVG or XML: escaping, and the replacement of what those formats can't hold.
//
// A model's sample can be any bytes (half a UTF-8 sequence, NUL, escape codes), so validity is made here and nowhere
// else: after escape_markup() a string is valid UTF-8 and safe as element text and inside a double-quoted attribute.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::report {

/// `text` with & < > " ' as entities; invalid UTF-8, and control characters other than tab and newline, become U+FFFD.
std::string escape_markup(std::string_view text);

/// Bytes of the valid UTF-8 sequence at the start of `text`, or 0 if there is none (empty, truncated, overlong,
/// surrogate).
std::size_t utf8_sequence_bytes(std::string_view text);

/// Code points in `text`; each byte outside a valid sequence counts as one.
std::size_t code_points(std::string_view text);

/// A number for a coordinate or a size: at most two decimals, no trailing zeros, never "-0"; not finite gives "0".
std::string coordinate(double value);

}  // namespace strata::report
