// Parsing through nlohmann's event interface: its reader checks the grammar and UTF-8 without recursion; the handler
// below builds values under limits of its own. It counts the bytes that are read through its iterator, to place the
// errors that the reader itself doesn't raise.
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/json/json.h"

namespace strata::base {
namespace {

/// Steps through the text and tells how far it is.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return a.at_ != b.at_; }

 private:
  const char* at_;
  const char** furthest_;  ///< owned by the caller of the parser
};

/// "json.exception.parse_error.101] parse error at line 1, column 5: syntax error ... - unexpected x" without its head.
std::string plain_reason(std::string_view what) {
  if (const size_t bracket = what.find("] "); bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
  if (what.starts_with("parse error at"))
    if (const size_t colon = what.find(": "); colon != std::string_view::npos) what.remove_prefix(colon + 2);
  return std::string(what);
}

/// Builds the value from the reader's events. Returning false stops the reader.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(int depth_limit) : depth_limit_(depth_limit) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override {
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return add(static_cast<int64_t>(value));
    return add(static_cast<double>(value));
  }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) override { return refuse("binary is not JSON"); }

  bool start_array(size_t) override { return open(Json::array()); }
  bool start_object(size_t) override { return open(Json::object()); }
  bool end_array() override { return close(); }
  bool end_object() override { return unique_keys(open_.back().value.members()) && close(); }
  bool key(std::string& key) override {
    open_.back().key = std::move(key);
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    position_ = position;
    return refuse(plain_reason(error.what()));
  }

  Json take() { return std::move(result_); }
  const std::string& reason() const { return reason_; }
  /// Bytes before and with the offending one, when the reader told; else 0.
  size_t position() const { return position_; }

 private:
  struct Open {
    Json value;
    std::string key;  ///< of the member that comes next
  };

  bool refuse(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  bool add(Json value) {
    if (open_.empty())
      result_ = std::move(value);
    else if (Open& parent = open_.back(); parent.value.is_array())
      parent.value.items().push_back(std::move(value));
    else
      parent.value.members().push_back({std::move(parent.key), std::move(value)});
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= depth_limit_) return refuse(fmt::format("expected at most {} levels of nesting", depth_limit_));
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }
  bool unique_keys(const std::vector<JsonMember>& members) {
    std::unordered_set<std::string_view> seen;
    for (const JsonMember& member : members)
      if (!seen.insert(member.key).second)
        return refuse(fmt::format("the key \"{}\" stands twice in one object", member.key));
    return true;
  }

  size_t depth_limit_, position_ = 0;
  std::vector<Open> open_;  ///< arrays and objects that are not closed yet, outermost first
  Json result_;
  std::string reason_;
};

Error malformed(std::string_view text, size_t position, std::string_view source, std::string_view reason) {
  const std::string_view before = text.substr(0, std::min(position > 0 ? position - 1 : 0, text.size()));
  size_t line = 1, line_start = 0;
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  return Error(code::kMalformedJson, fmt::format("{}:{}:{}: {}", source, line, before.size() - line_start + 1, reason));
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view source, JsonLimits limits) {
  if (text.size() > limits.bytes)
    return Error(code::kMalformedJson,
                 fmt::format("{}: expected at most {} bytes of json, found {}", source, limits.bytes, text.size()));
  const char* furthest = text.data();
  const char* end = text.data() + text.size();
  Builder builder(limits.depth);
  if (nlohmann::json::sax_parse(CountingIterator(text.data(), &furthest), CountingIterator(end, &furthest), &builder))
    return builder.take();
  const size_t read = furthest - text.data();
  return malformed(text, builder.position() > 0 ? builder.position() : read, source, builder.reason());
}

Result<Json> read_json(const std::string& path, JsonLimits limits) {
  const Result<std::string> text = read_text(path);
  if (!text) return text.error();
  return parse_json(*text, path, limits);
}

}  // namespace strata::base
