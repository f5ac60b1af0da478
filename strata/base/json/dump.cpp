// Printing of JSON values. Text that is not UTF-8 prints with U+FFFD in place of what is wrong, so that the output
// always parses.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "strata/base/bytes/utf8.h"
#include "strata/base/json/json.h"

namespace strata::base {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (c < 0x20 || c == 0x7f)
    out += fmt::format("\\u{:04x}", c);
  else
    out += static_cast<char>(c);
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 1) append_escaped(out, static_cast<unsigned char>(text[0]));
    if (length > 1) out += text.substr(0, length);
    if (length == 0) out += kReplacement;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, end - digits);
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

/// Prints with `indent` spaces a level, or on one line when it is 0.
class Printer {
 public:
  explicit Printer(int indent) : indent_(indent) {}

  void print(const Json& json) {
    switch (json.kind()) {
      case Json::Kind::Null:
        out_ += "null";
        break;
      case Json::Kind::Bool:
        out_ += json.as_bool() ? "true" : "false";
        break;
      case Json::Kind::Int:
        out_ += std::to_string(json.as_int());
        break;
      case Json::Kind::Double:
        append_double(out_, json.as_double());
        break;
      case Json::Kind::String:
        append_string(out_, json.as_string());
        break;
      case Json::Kind::Array:
        print_array(json.items());
        break;
      case Json::Kind::Object:
        print_object(json.members());
        break;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void print_array(const std::vector<Json>& items) {
    out_ += '[';
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      separate(i);
      print(items[i]);
    }
    close(items.size(), ']');
  }
  void print_object(const std::vector<JsonMember>& members) {
    out_ += '{';
    ++level_;
    for (size_t i = 0; i < members.size(); ++i) {
      separate(i);
      append_string(out_, members[i].key);
      out_ += indent_ > 0 ? ": " : ":";
      print(members[i].value);
    }
    close(members.size(), '}');
  }
  void separate(size_t index) {
    if (index > 0) out_ += ',';
    new_line();
  }
  void close(size_t count, char bracket) {
    --level_;
    if (count > 0) new_line();
    out_ += bracket;
  }
  void new_line() {
    if (indent_ == 0) return;
    out_ += '\n';
    out_.append(indent_ * level_, ' ');
  }

  int indent_, level_ = 0;
  std::string out_;
};

}  // namespace

std::string Json::dump() const {
  Printer printer(0);
  printer.print(*this);
  return printer.take();
}

std::string Json::dump_pretty() const {
  Printer printer(2);
  printer.print(*this);
  return printer.take();
}

}  // namespace strata::base
