#include "strata/nn/state_dict.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/formats/safetensors/writer.h"

namespace strata::nn {
namespace {

using formats::SafetensorsFile;
using formats::TensorEntry;

std::string type_text(DType dtype, const std::vector<int64_t>& shape) {
  return ir::Type::of(dtype, Shape(shape.begin(), shape.end())).str();
}

/// The file's entry for a leaf, under any of its paths.
const TensorEntry* entry_for(const SafetensorsFile& file, const Leaf& leaf, const std::string& prefix) {
  for (const std::string& path : leaf.paths)
    if (const TensorEntry* entry = file.find(prefix + path)) return entry;
  return nullptr;
}

[[noreturn]] void refuse_missing(const SafetensorsFile& file, const std::string& name) {
  std::vector<std::string> names;
  for (const TensorEntry& e : file.entries()) names.push_back(e.name);
  base::Error error(base::code::kForeignWeights,
                    fmt::format("{} has no tensor {}, which the model has", file.source(), name));
  if (auto nearest = base::nearest_name(name, names)) error.hint("did you mean " + *nearest + "?");
  throw error;
}

void require_type(const SafetensorsFile& file, const TensorEntry& entry, const Tensor& tensor,
                  const LoadOptions& options) {
  const ir::Type found = ir::Type::of(entry.dtype, Shape(entry.shape.begin(), entry.shape.end())),
                 wanted = tensor.type();
  const bool has_shape = found.with_dtype(wanted.dtype()) == wanted;
  if (has_shape && (options.casts_dtypes || found == wanted)) return;
  base::Error error(base::code::kForeignWeights, fmt::format("{}: tensor {} is {}, the model's is {}", file.source(),
                                                             entry.name, found.str(), wanted.str()));
  if (has_shape)
    error.hint("LoadOptions{.casts_dtypes = true} converts it");
  else
    error.hint("the file belongs to a model of other sizes");
  throw error;
}

/// Refuses the first tensor of the file that no leaf stands for.
void require_all_known(const SafetensorsFile& file, const Leaves& leaves, const LoadOptions& options) {
  std::set<std::string> known;
  for (const Leaf& leaf : leaves.list)
    for (const std::string& path : leaf.paths) known.insert(options.prefix + path);
  for (const TensorEntry& e : file.entries())
    if (!known.contains(e.name))
      throw base::Error(base::code::kForeignWeights, fmt::format("{} has a tensor {} ({}), which the model has not",
                                                                 file.source(), e.name, type_text(e.dtype, e.shape)));
}

}  // namespace

void save_leaves(const std::string& path, const Leaves& leaves, const Metadata& metadata) {
  std::vector<formats::NamedArray> arrays;
  for (const Leaf& leaf : leaves.list)
    if (leaf.tensor().defined()) arrays.push_back({leaf.paths[0], leaf.tensor().array()});
  formats::save_safetensors(path, arrays, metadata);
}

Metadata load_leaves(const std::string& path, const Leaves& leaves, const LoadOptions& options) {
  const SafetensorsFile file = SafetensorsFile::open(path).value();
  std::vector<const TensorEntry*> entries;
  for (const Leaf& leaf : leaves.list) {
    const TensorEntry* entry = leaf.tensor().defined() ? entry_for(file, leaf, options.prefix) : nullptr;
    if (entry)
      require_type(file, *entry, leaf.tensor(), options);
    else if (leaf.tensor().defined() && !options.allows_missing)
      refuse_missing(file, options.prefix + leaf.paths[0]);
    entries.push_back(entry);
  }
  if (!options.allows_unexpected) require_all_known(file, leaves, options);
  std::vector<Tensor> values(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i]) continue;
    const DType dtype = leaves.list[i].tensor().dtype();
    values[i] = Tensor(file.array(*entries[i]));
    if (values[i].dtype() != dtype) values[i] = cast(values[i], dtype).evaluate();
  }
  for (size_t i = 0; i < entries.size(); ++i)
    if (entries[i]) leaves.list[i].assign(values[i]);
  return file.metadata();
}

}  // namespace strata::nn
