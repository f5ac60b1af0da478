#include "strata/data/corpus/html_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>

#include "strata/data/corpus/prose.h"

namespace strata::data {
namespace {

/// Elements whose whole content is left out.
constexpr std::string_view kSkipped[] = {"aside",  "dt",    "footer", "form",  "h1",       "h2",       "h3",  "h4",
                                         "h5",     "h6",    "header", "math",  "nav",      "noscript", "pre", "script",
                                         "select", "style", "svg",    "table", "textarea", "title"};
/// Elements that stand inside a paragraph; any other tag ends it.
constexpr std::string_view kInline[] = {"a",      "abbr",  "acronym", "b",    "bdi", "bdo",  "big",   "br",   "cite",
                                        "code",   "data",  "del",     "dfn",  "em",  "font", "i",     "img",  "ins",
                                        "kbd",    "label", "mark",    "q",    "s",   "samp", "small", "span", "strike",
                                        "strong", "sub",   "sup",     "time", "tt",  "u",    "var",   "wbr"};

bool among(std::span<const std::string_view> sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

struct Entity {
  std::string_view name, text;
};
constexpr Entity kEntities[] = {{"amp", "&"},    {"apos", "'"},       {"gt", ">"},    {"hellip", "..."},
                                {"ldquo", "\""}, {"lsquo", "'"},      {"lt", "<"},    {"mdash", "\u2014"},
                                {"nbsp", " "},   {"ndash", "\u2013"}, {"quot", "\""}, {"rdquo", "\""},
                                {"rsquo", "'"},  {"shy", ""},         {"times", "x"}};

/// Decodes the entity at `html[at]` ('&') into `out`; returns how many bytes it took (1: it was none).
size_t decode_entity(std::string_view html, size_t at, std::string& out) {
  const size_t end = html.substr(at, 12).find(';');
  if (end == std::string_view::npos || end < 2) return out += '&', 1;
  std::string_view name = html.substr(at + 1, end - 1);
  if (name[0] == '#') {
    name.remove_prefix(1);
    const bool hex = !name.empty() && (name[0] == 'x' || name[0] == 'X');
    if (hex) name.remove_prefix(1);
    uint32_t code = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
    if (error != std::errc() || stop != name.data() + name.size() || code == 0 || code > 0x10FFFF) return out += '&', 1;
    append_utf8(out, code);
    return end + 1;
  }
  for (const Entity& entity : kEntities)
    if (entity.name == name) return out += entity.text, end + 1;
  return out += '&', 1;
}

struct Tag {
  std::string name;  ///< lower case; empty for comments and declarations
  bool closes = false;
  size_t end = 0;  ///< just behind its '>'
};

/// The tag at html[at] ('<'). A '<' that begins none is text: end == at.
Tag read_tag(std::string_view html, size_t at) {
  Tag tag{.end = at};
  if (html.substr(at, 4) == "<!--") {
    const size_t end = html.find("-->", at + 4);
    tag.end = end == std::string_view::npos ? html.size() : end + 3;
    return tag;
  }
  size_t i = at + 1;
  if (i < html.size() && html[i] == '/') tag.closes = true, ++i;
  const auto letter = [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; };
  const bool declaration = i < html.size() && (html[i] == '!' || html[i] == '?');
  if (!declaration && (i >= html.size() || !letter(html[i]))) return tag;
  for (; i < html.size() && (letter(html[i]) || (html[i] >= '0' && html[i] <= '9')); ++i)
    tag.name += static_cast<char>(html[i] | 32);
  for (char quote = 0; i < html.size(); ++i) {
    if (quote != 0) {
      if (html[i] == quote) quote = 0;
    } else if (html[i] == '"' || html[i] == '\'') {
      quote = html[i];
    } else if (html[i] == '>') {
      break;
    }
  }
  tag.end = std::min(i + 1, html.size());
  return tag;
}

/// Just behind the element whose opening tag ended at `at`, counting elements of its name inside it.
size_t skip_element(std::string_view html, size_t at, std::string_view name) {
  const bool raw = name == "script" || name == "style";
  for (int depth = 1; depth > 0;) {
    at = html.find('<', at);
    if (at == std::string_view::npos) return html.size();
    if (raw && html.substr(at, 2) != "</") {
      ++at;
      continue;
    }
    const Tag tag = read_tag(html, at);
    at = std::max(tag.end, at + 1);
    if (tag.name == name) depth += tag.closes ? -1 : 1;
    if (!raw && !tag.closes && (tag.name == "script" || tag.name == "style")) at = skip_element(html, at, tag.name);
  }
  return at;
}

}  // namespace

std::vector<std::string> html_paragraphs(std::string_view html) {
  std::vector<std::string> paragraphs;
  std::string text;
  const auto end_paragraph = [&] {
    std::string clean = single_spaced(text);
    if (!clean.empty()) paragraphs.push_back(std::move(clean));
    text.clear();
  };
  for (size_t at = 0; at < html.size();) {
    if (html[at] == '&') {
      at += decode_entity(html, at, text);
    } else if (html[at] == '<') {
      const Tag tag = read_tag(html, at);
      if (tag.end == at) {
        text += html[at++];
        continue;
      }
      at = tag.end;
      if (tag.name == "br") text += ' ';
      if (tag.name.empty() || among(kInline, tag.name)) continue;
      end_paragraph();
      if (!tag.closes && among(kSkipped, tag.name)) at = skip_element(html, at, tag.name);
    } else {
      const size_t next = std::min(html.find_first_of("<&", at), html.size());
      text += html.substr(at, next - at);
      at = next;
    }
  }
  end_paragraph();
  return paragraphs;
}

}  // namespace strata::data
