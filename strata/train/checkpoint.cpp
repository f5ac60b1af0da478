#include "strata/train/checkpoint.h"

#include "strata/base/error/error.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/formats/safetensors/writer.h"

namespace strata::train {
namespace {

constexpr const char* kFormat = "strata-checkpoint-1";

}  // namespace

void save_checkpoint(const std::string& path, const Snapshot& snapshot) {
  std::map<std::string, std::string> metadata = snapshot.facts;
  metadata["format"] = kFormat;
  std::vector<formats::NamedArray> arrays;
  for (const auto& [name, array] : snapshot.tensors) arrays.push_back({name, array});
  formats::save_safetensors(path, arrays, metadata);
}

Snapshot load_checkpoint(const std::string& path) {
  const formats::SafetensorsFile file = formats::SafetensorsFile::open(path).value();
  const auto format = file.metadata().find("format");
  if (format == file.metadata().end() || format->second != kFormat)
    throw base::Error("E0703", "checkpoint " + path + ": expected metadata format " + kFormat + ", found " +
                                   (format == file.metadata().end() ? "none" : format->second));
  Snapshot snapshot;
  for (const formats::TensorEntry& entry : file.entries()) snapshot.tensors.emplace(entry.name, file.array(entry));
  snapshot.facts = file.metadata();
  snapshot.facts.erase("format");
  return snapshot;
}

}  // namespace strata::train
