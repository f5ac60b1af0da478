// What may stand in a configuration: a table of keys, each with its type, default, bounds and help. Every owner of
// settings declares its own table beside its code; a command composes the tables that it needs into one Schema.
//
//   std::vector<ConfigKey> train_keys() {
//     return {
//         int_key("train.steps", 1000, "optimiser steps").at_least(1),
//         float_key("optim.lr", 1e-3, "peak learning rate").within(optim::kLearningRate),
//         choice_key("optim.name", "adamw", {"sgd", "adamw"}, "the optimiser"),
//         required_string_key("data.path", "folder of the corpus"),
//     };
//   }
//   const Schema schema({train_keys(), model_keys()});
//
// A choice may bring keys of its own: those of one architecture stand only where it is the one that is chosen.
//
//   const Schema schema({{choice_key("model.kind", "lenet", {"lenet", "gpt"}, "architecture")}},
//                       {{"model.kind", "gpt", {int_key("model.heads", 6, "attention heads")}}});
//       error[E0006]: a.toml:3: model.heads is a key of model.kind = "gpt", and model.kind is "lenet"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "strata/base/config/bounds.h"

namespace strata::base {

enum class ConfigType { Int, Float, Bool, String, Choice, Ints, Floats, Strings };

/// How a type is called in messages and in the reference: "an integer", "a list of numbers".
std::string_view config_type_name(ConfigType type);

using ConfigValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>, std::vector<double>,
                                 std::vector<std::string>>;

struct ConfigKey {
  std::string key;  ///< dotted: "train.steps"
  ConfigType type;
  ConfigValue fallback;  ///< the default; of the type's kind also when the key is required
  std::string help;      ///< one line, with the unit
  bool required = false;
  Bounds bounds = {};  ///< of numbers and of the items of lists
  std::vector<std::string> choices;

  ConfigKey&& within(const Bounds& allowed) && { return bounds = allowed, std::move(*this); }
  ConfigKey&& at_least(double low) && { return std::move(*this).within(Bounds::at_least(low)); }
  ConfigKey&& between(double low, double high) && { return std::move(*this).within(Bounds::between(low, high)); }
};

ConfigKey int_key(std::string key, int64_t fallback, std::string help);
ConfigKey float_key(std::string key, double fallback, std::string help);
ConfigKey bool_key(std::string key, bool fallback, std::string help);
ConfigKey string_key(std::string key, std::string fallback, std::string help);
ConfigKey choice_key(std::string key, std::string fallback, std::vector<std::string> choices, std::string help);
ConfigKey ints_key(std::string key, std::vector<int64_t> fallback, std::string help);
ConfigKey floats_key(std::string key, std::vector<double> fallback, std::string help);
ConfigKey strings_key(std::string key, std::vector<std::string> fallback, std::string help);
ConfigKey required_string_key(std::string key, std::string help);

/// Keys that stand only where the choice `choice` has this value.
struct Variant {
  std::string choice;  ///< a choice key that always stands: "model.kind"
  std::string value;
  std::vector<ConfigKey> keys;
};

/// What a choice is set to: ("model.kind", "gpt").
struct ChosenValue {
  std::string choice, value;
};

class Schema {
 public:
  /// Several variants may have one choice and value. Throws E0900 when a key stands twice, is also the table of another
  /// key, or its default breaks its own rule, and for a variant of no choice.
  explicit Schema(std::vector<std::vector<ConfigKey>> tables, std::vector<Variant> variants = {});

  /// In the order of the tables: those that always stand; of with_choices(), also those of the chosen variants.
  const std::vector<ConfigKey>& keys() const { return keys_; }
  const std::vector<Variant>& variants() const { return variants_; }
  /// The keys that variants hang on, each once.
  std::vector<ConfigKey> choices() const;
  /// The schema of a configuration that makes these choices; a choice that isn't among them has its default.
  Schema with_choices(const std::vector<ChosenValue>& chosen) const;
  /// The position of a key in keys(), or -1.
  int find(std::string_view key) const;
  std::vector<std::string> names() const;

  /// The reference: one Markdown table for each part before the first dot, and one for each variant's keys in it.
  std::string to_markdown() const;

 private:
  void check_keys() const;
  void check_variants() const;

  std::vector<ConfigKey> keys_;
  size_t always_ = 0;  ///< so many of keys_ stand in any case
  std::vector<Variant> variants_;
};

/// What the rule of `key` expects: "an integer of at least 1", "one of sgd, adamw".
std::string describe_expected(const ConfigKey& key);

/// Whether a value of the right kind keeps the bounds and choices of its key.
bool keeps_bounds(const ConfigKey& key, const ConfigValue& value);

/// A value as it stands in TOML: 12, 1e-3, true, "text", [1, 2].
std::string toml_text(const ConfigValue& value);

}  // namespace strata::base
