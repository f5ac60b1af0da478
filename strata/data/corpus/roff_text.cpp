#include "strata/data/corpus/roff_text.h"

#include <algorithm>
#include <span>

#include "strata/data/corpus/prose.h"

namespace strata::data {
namespace {

struct Glyph {
  std::string_view name, text;
};
/// Named glyphs \(xx and \[xx], and the strings \*(xx that pod2man defines.
constexpr Glyph kGlyphs[] = {{"--", "-"}, {"Aq", "'"},  {"C'", ""},    {"C`", ""},  {"L\"", "\""}, {"R\"", "\""},
                             {"aq", "'"}, {"bu", "*"},  {"co", "(C)"}, {"cq", "'"}, {"dq", "\""},  {"em", "\u2014"},
                             {"en", "-"}, {"ga", "`"},  {"ha", "^"},   {"hy", "-"}, {"lq", "\""},  {"mu", "x"},
                             {"oq", "'"}, {"rq", "\""}, {"rs", "\\"},  {"ti", "~"}};

std::string_view glyph(std::string_view name) {
  for (const Glyph& known : kGlyphs)
    if (known.name == name) return known.text;
  return "\xFF";  // no UTF-8: the paragraph is not taken for prose
}

/// Reads the name after \f, \* or \( at `at`: x, (xx or [xxx]. Moves `at` behind it.
std::string_view escape_name(std::string_view line, size_t& at) {
  if (at >= line.size()) return {};
  if (line[at] == '(') {
    const std::string_view name = line.substr(at + 1, 2);
    at = std::min(at + 3, line.size());
    return name;
  }
  if (line[at] == '[') {
    const size_t end = std::min(line.find(']', at), line.size());
    const std::string_view name = line.substr(at + 1, end - at - 1);
    at = std::min(end + 1, line.size());
    return name;
  }
  return line.substr(at++, 1);
}

/// One escape, `at` just behind its backslash; appends what it prints and moves `at` behind it.
void append_escape(std::string_view line, size_t& at, std::string& out) {
  const char kind = line[at++];
  switch (kind) {
    case 'f':
    case 'F':
    case 'm':
      escape_name(line, at);
      return;
    case '*':
      out += glyph(escape_name(line, at));
      return;
    case '(':
      --at, out += glyph(escape_name(line, at));
      return;
    case '[':
      --at, out += glyph(escape_name(line, at));
      return;
    case 's':
      while (at < line.size() && (line[at] == '+' || line[at] == '-')) ++at;
      if (at < line.size() && line[at] >= '0' && line[at] <= '9') ++at;
      return;
    case '-':
      out += '-';
      return;
    case 'e':
    case '\\':
      out += '\\';
      return;
    case ' ':
    case '~':
    case '0':
    case 't':
      out += ' ';
      return;
    case '"':
      at = line.size();
      return;
    case '&':
    case '|':
    case '^':
    case '%':
    case ':':
    case '/':
    case ',':
    case 'c':
    case ')':
    case 'p':
      return;
    case 'h':
    case 'v':
    case 'w':
      if (at < line.size()) at = std::min(line.find(line[at], at + 1), line.size() - 1) + 1;
      return;
    case '\'':
      out += '\'';
      return;
    case '`':
      out += '`';
      return;
    case '.':
      out += '.';
      return;
    default:
      out += "\xFF";
      return;
  }
}

std::string without_escapes(std::string_view line) {
  std::string out;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == '\\' && at + 1 < line.size())
      append_escape(line, ++at, out);
    else
      out += line[at++];
  }
  return out;
}

/// Arguments of a request: words, or "quoted ones".
std::vector<std::string> arguments(std::string_view text) {
  std::vector<std::string> list;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\t') {
      ++at;
      continue;
    }
    std::string argument;
    if (text[at] == '"') {
      for (++at; at < text.size() && (text[at] != '"' || text.substr(at, 2) == "\"\""); ++at) {
        if (text[at] == '"') ++at;
        argument += text[at];
      }
      ++at;
    } else {
      for (; at < text.size() && text[at] != ' '; ++at) {
        argument += text[at];
        if (text[at] == '\\' && at + 1 < text.size()) argument += text[++at];
      }
    }
    list.push_back(without_escapes(argument));
  }
  return list;
}

constexpr std::string_view kListSections[] = {"AUTHOR",  "AUTHORS", "AVAILABILITY", "COLOPHON", "COPYRIGHT",
                                              "HISTORY", "NAME",    "SEE ALSO",     "SYNOPSIS", "VERSIONS"};
constexpr std::string_view kBreaks[] = {"HP", "IP", "LP", "P",  "PP", "RE", "RS",
                                        "SH", "SS", "Sp", "TH", "TP", "TQ", "sp"};
constexpr std::string_view kJoined[] = {"BI", "BR", "IB", "IR", "RB", "RI"};  // arguments without spaces between
constexpr std::string_view kSpaced[] = {"B", "I", "R", "SB", "SM"};
/// Request that begins what is left out, and the one that ends it.
constexpr Glyph kDisplays[] = {{"EQ", "EE"}, {"EX", "EE"}, {"PS", "PE"}, {"TS", "TE"}, {"Vb", "Ve"},
                               {"de", "."},  {"ig", "."},  {"nf", "fi"}, {"SY", "YS"}};

bool among(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// The state of one walk through a page.
class PageWalk {
 public:
  std::vector<std::string> paragraphs;

  void line(std::string_view line) {
    const bool request = line.starts_with('.') || line.starts_with('\'');
    if (!display_end_.empty()) {
      if (request && line.substr(1, line.find_first_of(" \t", 1) - 1) == display_end_) display_end_ = {};
      return;
    }
    if (open_braces_ > 0) return count_braces(line);
    if (request) return this->request(line.substr(1));
    if (tag_follows_) return void(tag_follows_ = false);
    if (line.empty() || line[0] == ' ' || line[0] == '\t') end_paragraph();
    if (!line.empty() && (line[0] == ' ' || line[0] == '\t')) return;  // set as it stands: code
    add(without_escapes(line));
  }

  void end_paragraph() {
    std::string clean = single_spaced(text_);
    if (!clean.empty() && !section_skipped_) paragraphs.push_back(std::move(clean));
    text_.clear();
  }

 private:
  void request(std::string_view line) {
    while (!line.empty() && line[0] == ' ') line.remove_prefix(1);
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view name = line.substr(0, end), rest = line.substr(end);
    if (name == "if" || name == "ie" || name == "el") return count_braces(line);
    for (const Glyph& display : kDisplays)
      if (name == display.name) {
        display_end_ = display.text;
        return end_paragraph();
      }
    if (among(kBreaks, name)) {
      end_paragraph();
      if (name == "SH") section_skipped_ = is_list_section(rest);
      tag_follows_ = name == "TP" || name == "TQ";
    } else if (among(kJoined, name) || among(kSpaced, name)) {
      if (tag_follows_) return void(tag_follows_ = false);
      std::string joined;
      for (const std::string& argument : arguments(rest)) {
        if (!joined.empty() && among(kSpaced, name)) joined += ' ';
        joined += argument;
      }
      add(joined);
    }
  }

  static bool is_list_section(std::string_view rest) {
    std::string title;
    for (const std::string& word : arguments(rest)) title += (title.empty() ? "" : " ") + word;
    return among(kListSections, title);
  }

  /// A condition's branch in \{ \} is skipped whole.
  void count_braces(std::string_view line) {
    for (size_t i = 0; i + 1 < line.size(); ++i)
      if (line[i] == '\\') open_braces_ += line[i + 1] == '{' ? 1 : line[i + 1] == '}' ? -1 : 0;
  }

  void add(const std::string& words) {
    text_ += words;
    text_ += ' ';
  }

  std::string text_;
  std::string_view display_end_;  ///< not empty: inside a display
  int open_braces_ = 0;
  bool tag_follows_ = false;  ///< the next line is the tag of a list item
  bool section_skipped_ = false;
};

}  // namespace

std::vector<std::string> roff_paragraphs(std::string_view page) {
  PageWalk walk;
  while (!page.empty()) {
    const size_t end = std::min(page.find('\n'), page.size());
    walk.line(page.substr(0, end));
    page.remove_prefix(std::min(end + 1, page.size()));
  }
  walk.end_paragraph();
  return std::move(walk.paragraphs);
}

}  // namespace strata::data
