#include "strata/base/json/json.h"
#include "strata/base/error/codes/base_codes.h"

#include <fmt/format.h>

namespace strata::base {

Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json Json::array(std::vector<Json> items) {
  Json json;
  json.value_ = std::move(items);
  return json;
}

Json Json::object() {
  Json json;
  json.value_ = std::vector<JsonMember>();
  return json;
}

const char* Json::kind_name() const {
  switch (kind()) {
    case Kind::Null:
      return "null";
    case Kind::Bool:
      return "a boolean";
    case Kind::Int:
      return "an integer";
    case Kind::Double:
      return "a number with a fraction";
    case Kind::String:
      return "a string";
    case Kind::Array:
      return "an array";
    case Kind::Object:
      return "an object";
  }
  return "nothing";
}

void Json::wrong_kind(const char* expected) const {
  std::string shown = dump();
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  throw Error(code::kWrongJsonValue, fmt::format("json: expected {}, found {}: {}", expected, kind_name(), shown));
}

bool Json::as_bool() const {
  if (const auto* value = std::get_if<bool>(&value_)) return *value;
  wrong_kind("a boolean");
}

int64_t Json::as_int() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  wrong_kind("an integer");
}

double Json::as_double() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  wrong_kind("a number");
}

const std::string& Json::as_string() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  wrong_kind("a string");
}

const std::vector<Json>& Json::items() const {
  if (const auto* items = std::get_if<std::vector<Json>>(&value_)) return *items;
  wrong_kind("an array");
}
std::vector<Json>& Json::items() { return const_cast<std::vector<Json>&>(std::as_const(*this).items()); }

const std::vector<JsonMember>& Json::members() const {
  if (const auto* members = std::get_if<std::vector<JsonMember>>(&value_)) return *members;
  wrong_kind("an object");
}
std::vector<JsonMember>& Json::members() {
  return const_cast<std::vector<JsonMember>&>(std::as_const(*this).members());
}

size_t Json::size() const {
  if (is_array()) return items().size();
  return is_object() ? members().size() : 0;
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const JsonMember& member : members())
    if (member.key == key) return &member.value;
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  const auto& all = members();
  if (const Json* value = find(key)) return *value;
  Error error(code::kWrongJsonValue,
              fmt::format("json: expected the key \"{}\", found none among {} keys", key, all.size()));
  std::vector<std::string> keys;
  for (const JsonMember& member : all) keys.push_back(member.key);
  if (const auto near = nearest_name(key, keys)) error.hint(fmt::format("did you mean \"{}\"?", *near));
  throw error;
}

const Json& Json::at(size_t index) const {
  const auto& all = items();
  if (index < all.size()) return all[index];
  throw Error(code::kWrongJsonValue,
              fmt::format("json: expected an array of more than {} items, found {}", index, all.size()));
}

Json& Json::set(std::string_view key, Json value) & {
  if (is_null()) *this = object();
  auto& all = members();
  for (JsonMember& member : all)
    if (member.key == key) {
      member.value = std::move(value);
      return *this;
    }
  all.push_back({std::string(key), std::move(value)});
  return *this;
}
Json&& Json::set(std::string_view key, Json value) && { return std::move(set(key, std::move(value))); }

Json& Json::push(Json item) & {
  if (is_null()) *this = array();
  items().push_back(std::move(item));
  return *this;
}

bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

}  // namespace strata::base
