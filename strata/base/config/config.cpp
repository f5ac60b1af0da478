#include "strata/base/config/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"

namespace strata::base {

Config::Config(const Schema& schema, Unchecked) : schema_(std::make_shared<Schema>(schema)) {
  for (const ConfigKey& key : schema_->keys()) {
    values_.push_back(key.fallback);
    origins_.push_back("default");
  }
}

Config::Config(const Schema& schema) : Config(schema.with_choices({}), Unchecked{}) { check_required(); }

void Config::check_required() const {
  for (size_t i = 0; i < values_.size(); ++i) {
    const ConfigKey& key = schema_->keys()[i];
    if (key.required && origins_[i] == "default")
      throw Error(code::kMissingKey, fmt::format("config: expected a value for {} ({}), found none", key.key, key.help))
          .hint(fmt::format("set it in the file or with --set {}=...; it is {}", key.key, describe_expected(key)));
  }
}

size_t Config::index_of(std::string_view key) const {
  const int index = schema_->find(key);
  if (index < 0) throw Error(code::kBug, fmt::format("config: the program asked for {}, which is in no schema", key));
  return index;
}

template <class T>
const T& Config::value_at(std::string_view key) const {
  const size_t index = index_of(key);
  if (const T* value = std::get_if<T>(&values_[index])) return *value;
  throw Error(code::kBug, fmt::format("config: the program asked for {} with another type than its schema's, {}", key,
                                      config_type_name(schema_->keys()[index].type)));
}

int64_t Config::int_at(std::string_view key) const { return value_at<int64_t>(key); }
double Config::float_at(std::string_view key) const { return value_at<double>(key); }
bool Config::bool_at(std::string_view key) const { return value_at<bool>(key); }
const std::string& Config::string_at(std::string_view key) const { return value_at<std::string>(key); }
const std::vector<int64_t>& Config::ints_at(std::string_view key) const { return value_at<std::vector<int64_t>>(key); }
const std::vector<double>& Config::floats_at(std::string_view key) const { return value_at<std::vector<double>>(key); }
const std::vector<std::string>& Config::strings_at(std::string_view key) const {
  return value_at<std::vector<std::string>>(key);
}

const std::string& Config::origin_of(std::string_view key) const { return origins_[index_of(key)]; }

void Config::refuse(std::string_view key, std::string_view reason) const {
  throw Error(code::kConfigValue, fmt::format("{}: {}: {}", origin_of(key), key, reason));
}

std::string Config::to_toml() const {
  // Top-level keys must stand before the first table; then each table once, in the order of its first key.
  std::vector<std::string> tables = {""};
  const auto table_of = [](const std::string& key) {
    const size_t dot = key.rfind('.');
    return dot == std::string::npos ? std::string() : key.substr(0, dot);
  };
  for (const ConfigKey& key : schema_->keys())
    if (std::find(tables.begin(), tables.end(), table_of(key.key)) == tables.end()) tables.push_back(table_of(key.key));
  std::string text;
  for (const std::string& table : tables) {
    if (!table.empty()) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", table);
    for (size_t i = 0; i < values_.size(); ++i) {
      const std::string& key = schema_->keys()[i].key;
      if (table_of(key) != table) continue;
      text += fmt::format("{} = {}\n", table.empty() ? key : key.substr(table.size() + 1), toml_text(values_[i]));
    }
  }
  return text;
}

Json Config::to_json() const {
  Json json = Json::object();
  for (size_t i = 0; i < values_.size(); ++i)
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>)
            json.set(schema_->keys()[i].key, value);
          else
            json.set(schema_->keys()[i].key, Json::array(std::vector<Json>(value.begin(), value.end())));
        },
        values_[i]);
  return json;
}

}  // namespace strata::base
