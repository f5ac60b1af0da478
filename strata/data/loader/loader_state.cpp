// A loader's position as JSON, for checkpoints. The seed is spelled as text: JSON's integers have 63 bits and a sign.
#include <fmt/format.h>

#include <charconv>

#include "strata/base/error/codes/base_codes.h"
#include "strata/base/json/json.h"
#include "strata/data/loader/loader.h"

namespace strata::data {

using base::Json;

Json LoaderState::json() const {
  Json json = Json::object();
  json.set("epoch", epoch).set("batch", batch).set("samples", samples).set("batch_size", batch_size);
  json.set("seed", fmt::to_string(seed)).set("shuffled", shuffled).set("drop_last", drop_last);
  return json;
}

base::Result<LoaderState> LoaderState::from_json(const Json& json) {
  try {
    LoaderState state{.epoch = json.at("epoch").as_int(),
                      .batch = json.at("batch").as_int(),
                      .samples = json.at("samples").as_int(),
                      .batch_size = json.at("batch_size").as_int(),
                      .shuffled = json.at("shuffled").as_bool(),
                      .drop_last = json.at("drop_last").as_bool()};
    const std::string& seed = json.at("seed").as_string();
    const auto [end, code] = std::from_chars(seed.data(), seed.data() + seed.size(), state.seed);
    if (code != std::errc() || end != seed.data() + seed.size())
      return base::Error(base::code::kWrongJsonValue,
                         fmt::format("loader state: seed: expected a number below 2^64, found '{}'", seed));
    return state;
  } catch (const base::Error& error) {
    return error;
  }
}

}  // namespace strata::data
