#include "strata/train/run/checkpoint.h"

#include <fmt/format.h>

#include "strata/base/bytes/hash.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/formats/safetensors/writer.h"
#include "strata/train/run/tree_state.h"

namespace strata::train {
namespace {

constexpr const char* kFormat = "strata-checkpoint-2";

std::string checksum(const Snapshot& snapshot) {
  base::Hash128 sum;
  for (const auto& [name, text] : snapshot.facts)
    sum = base::combine(base::combine(sum, base::hash_text(name)), base::hash_text(text));
  for (const auto& [name, array] : snapshot.tensors) {
    sum = base::combine(base::combine(sum, base::hash_text(name)), base::hash_text(ir::dtype_name(array.dtype())));
    sum = base::combine(sum, base::hash_span(std::span<const int64_t>(array.shape())));
    sum = base::combine(sum, base::hash_bytes(std::span(array.data(), array.bytes())));
  }
  return sum.hex();
}

}  // namespace

void save_checkpoint(const std::string& path, const Snapshot& snapshot) {
  std::map<std::string, std::string> metadata = snapshot.facts;
  metadata["format"] = kFormat;
  metadata["checksum"] = checksum(snapshot);
  std::vector<formats::NamedArray> arrays;
  for (const auto& [name, array] : snapshot.tensors) arrays.push_back({name, array});
  formats::save_safetensors(path, arrays, metadata);
}

Snapshot load_checkpoint(const std::string& path) {
  const formats::SafetensorsFile file = formats::SafetensorsFile::open(path).value();
  const auto format = file.metadata().find("format");
  if (format == file.metadata().end() || format->second != kFormat)
    throw base::Error(base::code::kDamagedCheckpoint, "checkpoint " + path + ": expected metadata format " + kFormat +
                                                          ", found " +
                                                          (format == file.metadata().end() ? "none" : format->second));
  Snapshot snapshot{.source = "checkpoint " + path};
  for (const formats::TensorEntry& entry : file.entries()) snapshot.tensors.emplace(entry.name, file.array(entry));
  snapshot.facts = file.metadata();
  snapshot.facts.erase("format");
  const std::string expected = fact(snapshot, "checksum");
  snapshot.facts.erase("checksum");
  if (const std::string found = checksum(snapshot); found != expected)
    throw base::Error(base::code::kDamagedCheckpoint,
                      fmt::format("checkpoint {} is damaged: expected checksum {}, found {}", path, expected, found))
        .hint("some of its bytes were changed after it was written: take a copy, or train again with --replace");
  return snapshot;
}

}  // namespace strata::train
