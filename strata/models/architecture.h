// What a table of architectures says of each: its name and keys in a configuration, what it eats and returns, and how
// it is made. Training knows no more of it than this.
//
//   const models::Architecture& a = models::architecture(config.string_at("model.kind"));
//   models::Model model = a.make(config, {.channels = 1, .height = 28, .width = 28, .classes = 10}, Key(0));
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/config/config.h"
#include "strata/models/model.h"
#include "strata/tensor/random.h"

namespace strata::models {

enum class Input : uint8_t {
  Images,  ///< f32 [B, C, H, W]
  Tokens,  ///< integers [B, T], T up to the context
};
enum class Output : uint8_t {
  Classes,     ///< logits [B, classes]
  NextTokens,  ///< logits [B, T, vocabulary]: of the token behind each
};

/// "images", "tokens"; "their classes", "the next tokens": how messages and the reference call them.
std::string_view input_name(Input input);
std::string_view output_name(Output output);

/// What a model has in common with the data that it learns from.
struct Extents {
  int64_t channels = 0, height = 0, width = 0, classes = 0;  ///< images, and of how many classes
  int64_t vocabulary = 0, context = 0;                       ///< tokens
};

struct Architecture {
  std::string_view name;  ///< the value of model.kind
  std::string_view help;  ///< a few words for the reference
  Input eats;
  Output returns;
  /// Its keys, all "model....". They stand where it is chosen, and nowhere else.
  std::vector<base::ConfigKey> (*keys)();
  /// Refuses what the keys can't be together (E0007); needs no data. Null: there is no such rule.
  void (*check)(const base::Config& config) = nullptr;
  /// "ResNet-18".
  std::string (*title)(const base::Config& config);
  /// With fresh parameters. Refuses data that it can't take (E0007).
  Model (*make)(const base::Config& config, const Extents& data, const Key& key);
  /// Those of its keys that a checkpoint must agree with though no shape of a tensor shows them.
  std::span<const std::string_view> settings = {};
  /// Whether it trains with activations and gradients in bf16, too.
  bool trains_in_half = false;
};

/// All keys that stand where the architecture is chosen: its own, and those of what it eats (model.vocabulary and
/// model.context of tokens).
std::vector<base::ConfigKey> keys_of(const Architecture& architecture);

/// What a checkpoint must agree with besides shapes: model.kind, and the settings.
std::vector<std::string_view> settings_of(const Architecture& architecture);

/// The extents of tokens, which the configuration says: what is made without its data needs no more.
Extents token_extents(const base::Config& config);

/// Refuses images whose sides are out of the bounds, by model.kind and what was found.
void require_images(const base::Config& config, const Extents& data, const base::Bounds& side);

}  // namespace strata::models
