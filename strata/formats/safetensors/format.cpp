// Safetensors as an entry of the list of formats.
#include "strata/formats/format.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/formats/safetensors/writer.h"

namespace strata::formats {
namespace {

base::Result<std::vector<NamedArray>> load(const std::string& path) {
  const base::Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file) return file.error();
  std::vector<NamedArray> arrays;
  for (const TensorEntry& entry : file->entries()) arrays.push_back({entry.name, file->array(entry)});
  return arrays;
}

}  // namespace

extern constinit const Format kSafetensors = {
    .name = "safetensors",
    .suffix = ".safetensors",
    .save = [](const std::string& path, std::span<const NamedArray> arrays,
               const Metadata& metadata) { save_safetensors(path, arrays, metadata); },
    .load = load,
};

}  // namespace strata::formats
