#include "strata/train/run/tree_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <set>

#include "strata/base/config/config.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"

namespace strata::train {
namespace {

std::string type_text(ir::DType dtype, const std::vector<int64_t>& shape) {
  return fmt::format("{}[{}]", ir::dtype_name(dtype), fmt::join(shape, ","));
}

std::vector<int64_t> sizes_of(const Tensor& tensor) {
  std::vector<int64_t> sizes;
  for (int axis = 0; axis < tensor.rank(); ++axis) sizes.push_back(tensor.size(axis));
  return sizes;
}

std::string key_of(std::string_view prefix, const Leaf& leaf) { return fmt::format("{}.{}", prefix, leaf.paths[0]); }

[[noreturn]] void refuse(const std::string& what) {
  if (what.starts_with("optimiser."))
    throw base::Error(base::code::kForeignCheckpoint, "checkpoint of another optimiser: " + what)
        .hint("optim.kind of the configuration must be what the checkpoint was trained with");
  throw base::Error(base::code::kForeignCheckpoint, "checkpoint of another architecture: " + what)
      .hint("model.* of the configuration must be what the checkpoint was trained with");
}

void check(const Snapshot& snapshot, const std::string& key, const Tensor& expected) {
  const auto found = snapshot.tensors.find(key);
  const std::string type = type_text(expected.dtype(), sizes_of(expected));
  if (found == snapshot.tensors.end()) refuse(fmt::format("{}: the model has {}, the checkpoint nothing", key, type));
  const ir::HostArray& array = found->second;
  if (array.dtype() != expected.dtype() || array.shape() != sizes_of(expected))
    refuse(fmt::format("{}: the model has {}, the checkpoint {}", key, type, type_text(array.dtype(), array.shape())));
}

}  // namespace

void save_leaves(Snapshot& snapshot, std::string_view prefix, const Leaves& leaves) {
  for (const Leaf& leaf : leaves.list)
    if (leaf.tensor().defined()) snapshot.tensors.insert_or_assign(key_of(prefix, leaf), leaf.tensor().array());
}

void restore_leaves(const Snapshot& snapshot, std::string_view prefix, const Leaves& leaves) {
  std::set<std::string> known;
  for (const Leaf& leaf : leaves.list) {
    if (!leaf.tensor().defined()) continue;
    const std::string key = key_of(prefix, leaf);
    check(snapshot, key, leaf.tensor());
    known.insert(key);
  }
  for (const auto& [key, array] : snapshot.tensors)
    if (key.starts_with(std::string(prefix) + ".") && !known.contains(key))
      refuse(fmt::format("{}: the model has nothing, the checkpoint {}", key, type_text(array.dtype(), array.shape())));
  for (const Leaf& leaf : leaves.list)
    if (leaf.tensor().defined()) leaf.assign(Tensor(snapshot.tensors.at(key_of(prefix, leaf)).clone()));
}

std::string first_not_finite(const Snapshot& snapshot) {
  for (const auto& [name, array] : snapshot.tensors) {
    if (!ir::is_float(array.dtype())) continue;
    const bool is_f32 = array.dtype() == ir::DType::f32;  // mostly: worth a loop without calls
    const auto* values = is_f32 ? array.as<float>().data() : nullptr;
    for (int64_t i = 0; i < array.elements(); ++i) {
      const double value = is_f32 ? values[i] : array.get(i);
      if (!std::isfinite(value)) return fmt::format("{}[{}] is {}", name, i, std::isnan(value) ? "nan" : "infinite");
    }
  }
  return "";
}

std::vector<NamedTensor> named_leaves(const Leaves& leaves) {
  std::vector<NamedTensor> list;
  for (const Leaf& leaf : leaves.list)
    if (leaf.tensor().defined()) list.push_back({leaf.paths[0], leaf.tensor().array()});
  return list;
}

void save_settings(Snapshot& snapshot, const base::Config& config, std::span<const std::string_view> keys) {
  const base::Json values = config.to_json();
  for (std::string_view key : keys) snapshot.facts[std::string(key)] = values.at(key).dump();
}

void require_settings(const Snapshot& snapshot, const base::Config& config, std::span<const std::string_view> keys) {
  const base::Json values = config.to_json();
  for (std::string_view key : keys) {
    const std::string &found = fact(snapshot, std::string(key)), wanted = values.at(key).dump();
    if (found != wanted) refuse(fmt::format("{} is {}, the checkpoint was trained with {}", key, wanted, found));
  }
}

const std::string& fact(const Snapshot& snapshot, const std::string& name) {
  const auto found = snapshot.facts.find(name);
  if (found == snapshot.facts.end())
    throw base::Error(base::code::kDamagedCheckpoint, snapshot.source + ": its metadata have no " + name);
  return found->second;
}

int64_t integer_fact(const Snapshot& snapshot, const std::string& name) {
  const std::string& text = fact(snapshot, name);
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr int64_t kMost = 1'000'000'000'000'000;
  if (code != std::errc() || end != text.data() + text.size() || value < 0 || value > kMost)
    throw base::Error(
        base::code::kDamagedCheckpoint,
        fmt::format("{}: {}: expected an integer from 0 to {}, found '{}'", snapshot.source, name, kMost, text));
  return value;
}

}  // namespace strata::train
