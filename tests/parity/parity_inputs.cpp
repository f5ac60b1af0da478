#include "tests/parity/parity_inputs.h"

#include <algorithm>

#include "strata/base/bytes/sha256.h"
#include "strata/base/config/config.h"
#include "strata/data/loader/loader.h"
#include "strata/data/tokens/token_windows.h"
#include "strata/train/language/text_source.h"

namespace strata::parity {
namespace {

constexpr int64_t kValidationWindows = 64;  // as in train/language/text_examples.cpp

void add(base::Sha256& hash, const std::string& name, const ir::HostArray& array) {
  hash.update(std::as_bytes(std::span(name)));
  hash.update(std::span(array.data(), array.bytes()));
}

}  // namespace

int64_t steps_of(const train::OpenedTask& opened) {
  return opened.config->string_at("model.kind") == "gpt" ? opened.config->int_at("train.steps") : 20;
}

std::vector<formats::NamedArray> validation_batches(const base::Config& config) {
  std::vector<formats::NamedArray> arrays;
  if (config.string_at("model.kind") != "gpt") return arrays;
  const train::TextSource source = train::open_text_source(config);
  const auto windows = std::make_shared<data::EvaluationWindows>(
      source.validation, data::EvaluationOptions{.window = config.int_at("model.context")});
  data::Loader loader(windows,
                      {.batch_size = config.int_at("train.batch"), .order = data::Order::Sequential, .workers = 0});
  int64_t index = 0;
  for (int64_t done = 0; done < std::min(windows->size(), kValidationWindows); ++index) {
    data::Batch batch = loader.next().value();
    done += batch.samples;
    arrays.push_back({"x." + std::to_string(index), std::move(batch.arrays[0])});
    arrays.push_back({"y." + std::to_string(index), std::move(batch.arrays[1])});
  }
  return arrays;
}

std::string inputs_sha256(const train::OpenedTask& opened) {
  base::Sha256 hash;
  for (const train::NamedTensor& t : opened.task->weights()) add(hash, t.name, t.array);
  for (int64_t i = 0; i < steps_of(opened); ++i)
    for (const train::NamedTensor& t : opened.task->batch(i)) add(hash, t.name + "." + std::to_string(i), t.array);
  for (const formats::NamedArray& a : validation_batches(*opened.config)) add(hash, "val_" + a.name, a.array);
  return hash.finish_hex();
}

}  // namespace strata::parity
