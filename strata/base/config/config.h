// A configuration: the values of all keys of a Schema, from defaults, a TOML file and overrides, in this order.
// Loading checks everything at once: an unknown key is E0006 with the nearest known one, a wrong type or a value out of
// bounds E0007, a missing required key E0008, and each names the file and line (or the override) that it came from. The
// resolved configuration prints as TOML that loads to an equal Config, so a run folder's copy reproduces the run.
//
//   const Config config = load_config(schema, "gpt_small.toml", {"train.steps=500", "optim.name=sgd"});
//   const int64_t steps = config.int_at("train.steps");
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/config/schema.h"

namespace strata::base {

class Json;

class Config {
 public:
  /// All defaults; E0008 when the schema has required keys. The schema is copied.
  explicit Config(const Schema& schema);

  /// Whether the key stands in this configuration: keys of variants stand where their choice is made.
  bool has(std::string_view key) const { return schema_->find(key) >= 0; }

  // The value of a key. A key that the schema doesn't have, or has with another type, is a bug of the caller: E0900.
  int64_t int_at(std::string_view key) const;
  double float_at(std::string_view key) const;
  bool bool_at(std::string_view key) const;
  const std::string& string_at(std::string_view key) const;  ///< strings and choices
  const std::vector<int64_t>& ints_at(std::string_view key) const;
  const std::vector<double>& floats_at(std::string_view key) const;
  const std::vector<std::string>& strings_at(std::string_view key) const;

  /// Where the value came from: "gpt.toml:12", "--set train.steps=5" or "default".
  const std::string& origin_of(std::string_view key) const;

  /// E0007 about a key, for rules between keys that an owner checks: "<origin>: <key>: <reason>".
  [[noreturn]] void refuse(std::string_view key, std::string_view reason) const;

  /// All keys with their values, in tables, as TOML.
  std::string to_toml() const;
  /// {"train.steps": 500, ...}
  Json to_json() const;

  /// With the variants that were chosen.
  const Schema& schema() const { return *schema_; }
  friend bool operator==(const Config& a, const Config& b) { return a.values_ == b.values_; }

 private:
  friend class ConfigLoader;
  struct Unchecked {};
  Config(const Schema& schema, Unchecked);
  size_t index_of(std::string_view key) const;
  template <class T>
  const T& value_at(std::string_view key) const;
  void check_required() const;

  std::shared_ptr<const Schema> schema_;
  std::vector<ConfigValue> values_;   ///< one for each key of the schema
  std::vector<std::string> origins_;  ///< likewise; "default"
};

/// Loads a file and applies overrides "key=value" after it. A value is TOML; strings may do without quotes and lists
/// without brackets. An empty path means no file. Throws E0001, E0006 to E0009.
Config load_config(const Schema& schema, const std::string& path, std::span<const std::string> overrides = {});

/// The same from a text; `source` stands for its file name in messages.
Config parse_config(const Schema& schema, std::string_view text, std::string_view source,
                    std::span<const std::string> overrides = {});

}  // namespace strata::base
