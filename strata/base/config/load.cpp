// Reads TOML into a Config under its schema. The only file that knows toml++.
#include <fmt/format.h>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 1
// toml++ asserts that a table's name begins well, and has an error for one that doesn't: "[!name]" must not abort.
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "strata/base/bytes/files.h"
#include "strata/base/config/config.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {
namespace {

/// Whether toml++'s printer would meet a number that it can't count the digits of: it casts it to an integer.
bool holds_non_finite(const toml::node& node) {
  bool found = false;
  const auto look = [&](const toml::node& item) {
    const auto number = item.as_floating_point();
    found = found || (number && !std::isfinite(number->get())) || holds_non_finite(item);
  };
  if (const toml::array* array = node.as_array())
    for (const toml::node& item : *array) look(item);
  if (const toml::table* table = node.as_table())
    for (const auto& [key, item] : *table) look(item);
  return found;
}

/// The node as its reader would write it, for messages: 12 (an integer).
std::string show_node(const toml::node& node) {
  if (holds_non_finite(node)) return node.is_table() ? "a table" : "a list with a number that is not finite";
  if (node.is_table()) return "a table";
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  std::string text = out.str();
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

std::optional<ConfigValue> scalar_of(ConfigType type, const toml::node& node) {
  switch (type) {
    case ConfigType::Int:
      if (const auto* value = node.as_integer()) return value->get();
      return std::nullopt;
    case ConfigType::Float:
      if (const auto* value = node.as_floating_point()) return value->get();
      if (const auto* value = node.as_integer()) return static_cast<double>(value->get());
      return std::nullopt;
    case ConfigType::Bool:
      if (const auto* value = node.as_boolean()) return value->get();
      return std::nullopt;
    default:
      if (const auto* value = node.as_string()) return value->get();
      return std::nullopt;
  }
}

template <class T>
std::optional<ConfigValue> list_of(ConfigType item_type, const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<T> items;
  for (const toml::node& item : *array) {
    std::optional<ConfigValue> value = scalar_of(item_type, item);
    if (!value) return std::nullopt;
    items.push_back(std::get<T>(std::move(*value)));
  }
  return items;
}

/// The node as a value of the type, or nullopt when it is of another.
std::optional<ConfigValue> value_of(ConfigType type, const toml::node& node) {
  switch (type) {
    case ConfigType::Ints:
      return list_of<int64_t>(ConfigType::Int, node);
    case ConfigType::Floats:
      return list_of<double>(ConfigType::Float, node);
    case ConfigType::Strings:
      return list_of<std::string>(ConfigType::String, node);
    default:
      return scalar_of(type, node);
  }
}

constexpr int kMostKeyParts = 16;

/// The first line with a dotted key of more parts than any schema has, or 0. Each part is a table within a table for
/// toml++, which frees them by recursion: 40,000 of them overflow the stack.
int line_of_deep_key(std::string_view text) {
  int line = 1, dots = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {  // a string, which ends with the line at the latest
      for (++i; i < text.size() && text[i] != c && text[i] != '\n'; ++i)
        if (text[i] == '\\' && c == '"') ++i;
      if (i < text.size() && text[i] == '\n') --i;
      continue;
    }
    if (c == '\n') ++line;
    if (c == '.' && ++dots >= kMostKeyParts) return line;
    if (std::string_view("=,[]{}#\n").find(c) != std::string_view::npos) dots = 0;
  }
  return 0;
}

/// The end of the string or comment that begins at `i`, or `i` where none does.
size_t end_of_text(std::string_view text, size_t i) {
  const char c = text[i];
  if (c == '#') return std::min(text.find('\n', i), text.size());
  if (c != '"' && c != '\'') return i;
  const std::string three(3, c);
  if (text.substr(i, 3) == three) {
    const size_t end = text.find(three, i + 3);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  for (++i; i < text.size() && text[i] != c && text[i] != '\n'; ++i)
    if (text[i] == '\\' && c == '"') ++i;
  return i;
}

/// The first line with a character beyond ASCII outside of strings and comments, or 0. TOML has none there; toml++ runs
/// into undefined behaviour when it asks whether such a character is a space.
int line_of_stray_character(std::string_view text) {
  int line = 1;
  for (size_t i = text.starts_with("\xef\xbb\xbf") ? 3 : 0; i < text.size(); ++i) {
    const size_t end = std::min(end_of_text(text, i), text.size());
    line += std::count(text.begin() + i, text.begin() + end, '\n');
    i = end;
    if (i == text.size()) break;
    if (static_cast<unsigned char>(text[i]) >= 0x80) return line;
    if (text[i] == '\n') ++line;
  }
  return 0;
}

toml::table parse_toml(std::string_view text, std::string_view source) {
  if (const int line = line_of_stray_character(text))
    throw Error(code::kMalformedToml,
                fmt::format("{}:{}: a character beyond ASCII outside of strings and comments", source, line));
  if (const int line = line_of_deep_key(text))
    throw Error(code::kMalformedToml, fmt::format("{}:{}: a key of more than {} parts", source, line, kMostKeyParts));
  toml::parse_result result = toml::parse(text, source);
  if (result) return std::move(result).table();
  const toml::parse_error& error = result.error();
  throw Error(code::kMalformedToml, fmt::format("{}:{}:{}: {}", source, error.source().begin.line,
                                                error.source().begin.column, error.description()));
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_list(ConfigType type) {
  return type == ConfigType::Ints || type == ConfigType::Floats || type == ConfigType::Strings;
}

/// What was given in an override as TOML: strings may do without quotes, lists without brackets.
std::string override_as_toml(ConfigType type, std::string_view given) {
  const bool quoted = !given.empty() && (given[0] == '"' || given[0] == '\'');
  if (type == ConfigType::String || type == ConfigType::Choice)
    return quoted ? std::string(given) : toml_text(ConfigValue(std::string(given)));
  if (!is_list(type) || given.starts_with('[')) return std::string(given);
  if (type != ConfigType::Strings || quoted) return fmt::format("[{}]", given);
  std::vector<std::string> items;
  while (!given.empty()) {
    const size_t comma = std::min(given.find(','), given.size());
    items.emplace_back(trimmed(given.substr(0, comma)));
    given.remove_prefix(std::min(comma + 1, given.size()));
  }
  return toml_text(ConfigValue(std::move(items)));
}

}  // namespace

/// Reads a text and overrides twice: for the choices alone, which say what keys there are, and then for all of these.
class ConfigLoader {
 public:
  static Config load(const Schema& schema, std::string_view text, std::string_view source,
                     std::span<const std::string> overrides) {
    const toml::table table = parse_toml(text, source);
    ConfigLoader choices(Schema({schema.choices()}), nullptr);
    choices.add(table, source, overrides);
    std::vector<ChosenValue> chosen;
    for (const ConfigKey& key : choices.config_.schema().keys())
      chosen.push_back({key.key, choices.config_.string_at(key.key)});
    ConfigLoader all(schema.with_choices(chosen), &choices.config_);
    all.add(table, source, overrides);
    all.config_.check_required();
    return std::move(all.config_);
  }

 private:
  /// `choices`: the choices that were made; null while they are looked for, and other keys are passed over.
  ConfigLoader(const Schema& schema, const Config* choices) : config_(schema, Config::Unchecked{}), choices_(choices) {}

  void add(const toml::table& table, std::string_view source, std::span<const std::string> overrides) {
    add_table(table, "", source);
    for (const std::string& text : overrides) add_override(text);
  }

  void add_override(const std::string& text) {
    const std::string origin = "--set " + text;
    const size_t equals = text.find('=');
    if (equals == std::string::npos) throw Error(code::kConfigValue, origin + ": expected key=value, found no =");
    const std::string key(trimmed(std::string_view(text).substr(0, equals)));
    if (is_passed_over(key)) return;
    const size_t index = known(key, origin);
    const auto given = trimmed(std::string_view(text).substr(equals + 1));
    const ConfigKey& rule = config_.schema_->keys()[index];
    const std::string value = override_as_toml(rule.type, given);
    if (line_of_deep_key(value) != 0) refuse(rule, origin, "a deep key");
    const toml::parse_result parsed = toml::parse("value = " + value);
    const toml::node* node = parsed ? parsed.table().get("value") : nullptr;
    if (node == nullptr || parsed.table().size() != 1) refuse(rule, origin, std::string(given));
    set(index, *node, origin);
  }

  bool is_passed_over(const std::string& key) const { return choices_ == nullptr && !config_.has(key); }

  void add_table(const toml::table& table, const std::string& prefix, std::string_view source) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix + std::string(name.str());
      const std::string origin = fmt::format("{}:{}", source, name.source().begin.line);
      const toml::table* inner = node.as_table();
      if (inner != nullptr && config_.schema_->find(key) < 0 && (is_prefix(key + ".") || !inner->empty()))
        add_table(*inner, key + ".", source);
      else if (!is_passed_over(key))
        set(known(key, origin), node, origin);
    }
  }

  bool is_prefix(std::string_view text) const {
    for (const ConfigKey& key : config_.schema_->keys())
      if (key.key.starts_with(text)) return true;
    return false;
  }

  size_t known(const std::string& key, const std::string& origin) const {
    const int index = config_.schema_->find(key);
    if (index >= 0) return index;
    for (const Variant& variant : config_.schema_->variants())
      for (const ConfigKey& other : variant.keys)
        if (other.key == key) refuse_of_another(variant.choice, key, origin);
    Error error(code::kUnknownKey, fmt::format("{}: unknown key {}", origin, key));
    throw error.hint(hint_for(key));
  }

  /// The key belongs to other values of the choice than the one that was made.
  [[noreturn]] void refuse_of_another(const std::string& choice, const std::string& key,
                                      const std::string& origin) const {
    std::string values;
    for (const Variant& variant : config_.schema_->variants())
      for (const ConfigKey& other : variant.keys)
        if (variant.choice == choice && other.key == key)
          values += fmt::format("{}\"{}\"", values.empty() ? "" : ", ", variant.value);
    throw Error(code::kUnknownKey, fmt::format("{}: {} is a key of {} = {}, and {} is \"{}\"", origin, key, choice,
                                               values, choice, choices_->string_at(choice)))
        .note(fmt::format("{} comes from {}", choice, choices_->origin_of(choice)))
        .hint(fmt::format("leave {} out, or choose another {}", key, choice));
  }

  std::string hint_for(const std::string& key) const {
    if (const auto near = nearest_name(key, config_.schema_->names())) return fmt::format("did you mean {}?", *near);
    for (const Variant& variant : config_.schema_->variants()) {
      std::vector<std::string> names;
      for (const ConfigKey& other : variant.keys) names.push_back(other.key);
      if (const auto near = nearest_name(key, names))
        return fmt::format("did you mean {}, a key of {} = \"{}\"?", *near, variant.choice, variant.value);
    }
    return "`strata config` lists all keys";
  }

  [[noreturn]] static void refuse(const ConfigKey& rule, const std::string& origin, const std::string& found) {
    Error error(code::kConfigValue,
                fmt::format("{}: {}: expected {}, found {}", origin, rule.key, describe_expected(rule), found));
    if (rule.type == ConfigType::Choice && found.size() > 2)
      if (const auto near = nearest_name(std::string_view(found).substr(1, found.size() - 2), rule.choices))
        error.hint(fmt::format("did you mean {}?", *near));
    throw error;
  }

  void set(size_t index, const toml::node& node, const std::string& origin) {
    const ConfigKey& rule = config_.schema_->keys()[index];
    std::optional<ConfigValue> value = value_of(rule.type, node);
    if (!value) refuse(rule, origin, show_node(node));
    if (!keeps_bounds(rule, *value)) refuse(rule, origin, toml_text(*value));
    config_.values_[index] = std::move(*value);
    config_.origins_[index] = origin;
  }

  Config config_;
  const Config* choices_;
};

Config parse_config(const Schema& schema, std::string_view text, std::string_view source,
                    std::span<const std::string> overrides) {
  return ConfigLoader::load(schema, text, source, overrides);
}

Config load_config(const Schema& schema, const std::string& path, std::span<const std::string> overrides) {
  return parse_config(schema, path.empty() ? std::string() : read_text(path).value(), path, overrides);
}

}  // namespace strata::base
