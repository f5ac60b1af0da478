#include "strata/base/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {
namespace {

ConfigKey make_key(std::string key, ConfigType type, ConfigValue fallback, std::string help) {
  return {.key = std::move(key), .type = type, .fallback = std::move(fallback), .help = std::move(help)};
}

ConfigKey required(ConfigKey key) {
  key.required = true;
  return key;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char digits[32];
  std::string text(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string string_text(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      text += {'\\', c};
    else if (code < 0x20 || code == 0x7f)
      text += fmt::format("\\u{:04x}", code);
    else
      text += c;
  }
  return text + "\"";
}

template <class T>
std::string list_text(const std::vector<T>& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i > 0 ? ", " : "") + toml_text(ConfigValue(T(values[i])));
  return text + "]";
}

std::string choices_text(const ConfigKey& key) { return fmt::format("{}", fmt::join(key.choices, ", ")); }

/// A `|` would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

}  // namespace

std::string_view config_type_name(ConfigType type) {
  switch (type) {
    case ConfigType::Int:
      return "an integer";
    case ConfigType::Float:
      return "a number";
    case ConfigType::Bool:
      return "true or false";
    case ConfigType::String:
      return "a string";
    case ConfigType::Choice:
      return "one of a few words";
    case ConfigType::Ints:
      return "a list of integers";
    case ConfigType::Floats:
      return "a list of numbers";
    case ConfigType::Strings:
      return "a list of strings";
  }
  return "";
}

ConfigKey int_key(std::string key, int64_t fallback, std::string help) {
  return make_key(std::move(key), ConfigType::Int, fallback, std::move(help));
}
ConfigKey float_key(std::string key, double fallback, std::string help) {
  return make_key(std::move(key), ConfigType::Float, fallback, std::move(help));
}
ConfigKey bool_key(std::string key, bool fallback, std::string help) {
  return make_key(std::move(key), ConfigType::Bool, fallback, std::move(help));
}
ConfigKey string_key(std::string key, std::string fallback, std::string help) {
  return make_key(std::move(key), ConfigType::String, std::move(fallback), std::move(help));
}
ConfigKey choice_key(std::string key, std::string fallback, std::vector<std::string> choices, std::string help) {
  ConfigKey made = make_key(std::move(key), ConfigType::Choice, std::move(fallback), std::move(help));
  made.choices = std::move(choices);
  return made;
}
ConfigKey ints_key(std::string key, std::vector<int64_t> fallback, std::string help) {
  return make_key(std::move(key), ConfigType::Ints, std::move(fallback), std::move(help));
}
ConfigKey floats_key(std::string key, std::vector<double> fallback, std::string help) {
  return make_key(std::move(key), ConfigType::Floats, std::move(fallback), std::move(help));
}
ConfigKey strings_key(std::string key, std::vector<std::string> fallback, std::string help) {
  return make_key(std::move(key), ConfigType::Strings, std::move(fallback), std::move(help));
}
ConfigKey required_string_key(std::string key, std::string help) {
  return required(string_key(std::move(key), "", std::move(help)));
}

std::string toml_text(const ConfigValue& value) {
  if (const auto* v = std::get_if<int64_t>(&value)) return std::to_string(*v);
  if (const auto* v = std::get_if<double>(&value)) return number_text(*v);
  if (const auto* v = std::get_if<bool>(&value)) return *v ? "true" : "false";
  if (const auto* v = std::get_if<std::string>(&value)) return string_text(*v);
  if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) return list_text(*v);
  if (const auto* v = std::get_if<std::vector<double>>(&value)) return list_text(*v);
  return list_text(std::get<std::vector<std::string>>(value));
}

bool keeps_bounds(const ConfigKey& key, const ConfigValue& value) {
  const auto inside = [&](double number) { return key.bounds.contain(number); };
  const auto all_inside = [&](const auto& list) {
    return std::all_of(list.begin(), list.end(), [&](auto item) { return inside(item); });
  };
  if (const auto* v = std::get_if<int64_t>(&value)) return inside(*v);
  if (const auto* v = std::get_if<double>(&value)) return inside(*v);
  if (const auto* v = std::get_if<std::vector<int64_t>>(&value)) return all_inside(*v);
  if (const auto* v = std::get_if<std::vector<double>>(&value)) return all_inside(*v);
  if (key.type != ConfigType::Choice) return true;
  return std::find(key.choices.begin(), key.choices.end(), std::get<std::string>(value)) != key.choices.end();
}

std::string describe_expected(const ConfigKey& key) {
  if (key.type == ConfigType::Choice) return "one of " + choices_text(key);
  return std::string(config_type_name(key.type)) + key.bounds.text();
}

Schema::Schema(std::vector<std::vector<ConfigKey>> tables, std::vector<Variant> variants)
    : variants_(std::move(variants)) {
  for (auto& table : tables)
    for (ConfigKey& key : table) keys_.push_back(std::move(key));
  always_ = keys_.size();
  check_keys();
  check_variants();
}

void Schema::check_keys() const {
  std::unordered_set<std::string> seen, parents;
  for (const ConfigKey& key : keys_) {
    if (!seen.insert(key.key).second) throw Error(code::kBug, fmt::format("schema: the key {} stands twice", key.key));
    for (size_t dot = key.key.find('.'); dot != std::string::npos; dot = key.key.find('.', dot + 1))
      parents.insert(key.key.substr(0, dot));
    if (!key.required && !keeps_bounds(key, key.fallback))
      throw Error(code::kBug, fmt::format("schema: {}: expected a default that is {}, found {}", key.key,
                                          describe_expected(key), toml_text(key.fallback)));
  }
  for (const ConfigKey& key : keys_)
    if (parents.contains(key.key)) throw Error(code::kBug, fmt::format("schema: {} is a key and a table", key.key));
}

/// Each variant with what always stands, and with those of other choices, of which any may be chosen beside it.
void Schema::check_variants() const {
  for (const Variant& variant : variants_) {
    const int at = find(variant.choice);
    if (at < 0 || !keeps_bounds(keys_[at], variant.value))
      throw Error(code::kBug,
                  fmt::format("schema: keys of {} = \"{}\", which can't be chosen", variant.choice, variant.value));
    with_choices({{variant.choice, variant.value}}).check_keys();
    for (const Variant& other : variants_)
      if (other.choice != variant.choice)
        with_choices({{variant.choice, variant.value}, {other.choice, other.value}}).check_keys();
  }
}

std::vector<ConfigKey> Schema::choices() const {
  std::vector<ConfigKey> list;
  for (const ConfigKey& key : keys_)
    if (std::ranges::any_of(variants_, [&](const Variant& variant) { return variant.choice == key.key; }))
      list.push_back(key);
  return list;
}

Schema Schema::with_choices(const std::vector<ChosenValue>& chosen) const {
  Schema result = *this;
  result.keys_.resize(always_, ConfigKey{});
  const auto value_of = [&](const std::string& choice) {
    for (const ChosenValue& one : chosen)
      if (one.choice == choice) return one.value;
    return std::get<std::string>(keys_[find(choice)].fallback);
  };
  for (const Variant& variant : variants_)
    if (value_of(variant.choice) == variant.value)
      result.keys_.insert(result.keys_.end(), variant.keys.begin(), variant.keys.end());
  return result;
}

int Schema::find(std::string_view key) const {
  for (size_t i = 0; i < keys_.size(); ++i)
    if (keys_[i].key == key) return i;
  return -1;
}

std::vector<std::string> Schema::names() const {
  std::vector<std::string> names;
  for (const ConfigKey& key : keys_) names.push_back(key.key);
  return names;
}

namespace {

std::string part_of(const ConfigKey& key) {
  const size_t dot = key.key.find('.');
  return dot == std::string::npos ? "general" : key.key.substr(0, dot);
}

/// The table of those keys that belong to the part; empty when none does.
std::string table_of(const std::vector<ConfigKey>& keys, const std::string& part) {
  std::string rows;
  for (const ConfigKey& key : keys)
    if (part_of(key) == part)
      rows += fmt::format("| `{}` | {} | {} | {} |\n", key.key, cell(describe_expected(key)),
                          key.required ? "required" : "`" + cell(toml_text(key.fallback)) + "`", cell(key.help));
  return rows.empty() ? "" : "| key | value | default | what it does |\n|---|---|---|---|\n" + rows;
}

}  // namespace

std::string Schema::to_markdown() const {
  std::vector<std::string> parts;  // in the order of their first key
  for (const ConfigKey& key : keys_)
    if (std::find(parts.begin(), parts.end(), part_of(key)) == parts.end()) parts.push_back(part_of(key));
  std::string text;
  for (const std::string& part : parts) {
    text += fmt::format("{}## {}\n\n{}", text.empty() ? "" : "\n", part, table_of(keys_, part));
    for (const Variant& variant : variants_)
      if (const std::string table = table_of(variant.keys, part); !table.empty())
        text += fmt::format("\n### where `{}` is `{}`\n\n{}", variant.choice, variant.value, table);
  }
  return text;
}

}  // namespace strata::base
