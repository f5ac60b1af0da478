// Trees of tensors in and out of snapshots, by path: "model.fc1.weight".
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "strata/tensor/tree/tree.h"
#include "strata/train/task.h"

namespace strata::train {

/// Adds every defined leaf as "<prefix>.<path>".
void save_leaves(Snapshot& snapshot, std::string_view prefix, const Leaves& leaves);

/// Sets every leaf from the snapshot. Throws E0705 for the first tensor, in the order of the tree, that the snapshot
/// lacks or has with another shape or dtype, and for one under the prefix that the tree has no place for. Nothing is
/// changed then.
void restore_leaves(const Snapshot& snapshot, std::string_view prefix, const Leaves& leaves);

/// The first NaN or infinity: "model.conv1.bias[3] is nan"; empty when all is finite.
std::string first_not_finite(const Snapshot& snapshot);

/// A model's tensors by their paths.
std::vector<NamedTensor> named_leaves(const Leaves& leaves);
template <class Model>
std::vector<NamedTensor> named_weights(const Model& model) {
  return named_leaves(leaves_of(model));
}

/// Notes configuration keys that decide what the tensors mean without showing in their shapes.
void save_settings(Snapshot& snapshot, const base::Config& config, std::span<const std::string_view> keys);
/// Throws E0705 for the first key that the configuration has another value of than the snapshot.
void require_settings(const Snapshot& snapshot, const base::Config& config, std::span<const std::string_view> keys);

/// The text of a fact; E0703 when the snapshot lacks it.
const std::string& fact(const Snapshot& snapshot, const std::string& name);
/// A fact that counts something: E0703 unless it is 0 to 10^15.
int64_t integer_fact(const Snapshot& snapshot, const std::string& name);

}  // namespace strata::train
