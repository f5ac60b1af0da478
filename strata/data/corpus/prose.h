// What counts as prose, and its one spelling: the corpus is English sentences in ASCII, so that a small model learns
// the language and not the typography.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strata::data {

/// Runs of white space as one space each, none at the ends.
std::string single_spaced(std::string_view text);

/// The paragraph with typographic quotes, dashes and spaces as ASCII; nothing when it isn't prose: other characters
/// beyond ASCII, shorter than a sentence or longer than 4000 bytes, not from a capital to a full stop, addresses, too
/// few letters, too few of the words that any English has, too many names and identifiers.
std::optional<std::string> prose(std::string_view paragraph);

}  // namespace strata::data
