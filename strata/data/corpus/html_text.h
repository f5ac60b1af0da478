// The paragraphs of an HTML page as plain text. No parser of the standard: a walk over tags that takes any bytes, knows
// which elements end a paragraph and which hold no prose (code, tables, headings, navigation), and decodes entities.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// Paragraphs in order, as UTF-8 with single spaces; none is empty.
std::vector<std::string> html_paragraphs(std::string_view html);

}  // namespace strata::data
