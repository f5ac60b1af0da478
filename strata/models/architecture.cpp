#include "strata/models/architecture.h"

#include <fmt/format.h>

#include "strata/models/image_layers.h"

namespace strata::models {
namespace {

constexpr base::Bounds kContext = base::Bounds::between(1, 1000000);

std::vector<base::ConfigKey> token_keys() {
  return {
      // Narrower than a model's own: the 256 bytes are tokens always, and a million is far more than a text repeats.
      base::int_key("model.vocabulary", 4096, "tokens of the vocabulary, bytes included").between(256, 1000000),
      base::int_key("model.context", 128, "tokens that the model looks back at most").within(kContext),
  };
}

}  // namespace

std::string_view input_name(Input input) { return input == Input::Images ? "images" : "tokens"; }
std::string_view output_name(Output output) { return output == Output::Classes ? "their classes" : "the next tokens"; }

std::vector<base::ConfigKey> keys_of(const Architecture& architecture) {
  std::vector<base::ConfigKey> keys = architecture.keys();
  if (architecture.eats != Input::Tokens) return keys;
  for (base::ConfigKey& key : token_keys()) keys.push_back(std::move(key));
  return keys;
}

std::vector<std::string_view> settings_of(const Architecture& architecture) {
  std::vector<std::string_view> keys = {"model.kind"};
  keys.insert(keys.end(), architecture.settings.begin(), architecture.settings.end());
  return keys;
}

Extents token_extents(const base::Config& config) {
  return {.vocabulary = config.int_at("model.vocabulary"), .context = config.int_at("model.context")};
}

void require_images(const base::Config& config, const Extents& data, const base::Bounds& side) {
  if (side.contain(data.height) && side.contain(data.width)) return;
  config.refuse("model.kind", fmt::format("a {} takes images of {}, found {} x {}", config.string_at("model.kind"),
                                          image_side_text(side), data.height, data.width));
}

}  // namespace strata::models
