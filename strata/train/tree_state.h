// Trees of tensors in and out of snapshots, by path: "model.fc1.weight".
#pragma once

#include <string>
#include <string_view>

#include "strata/tensor/tree.h"
#include "strata/train/task.h"

namespace strata::train {

/// Adds every defined leaf as "<prefix>.<path>".
void save_leaves(Snapshot& snapshot, std::string_view prefix, const Leaves& leaves);

/// Sets every leaf from the snapshot. Throws E0705 for the first tensor, in the order of the tree, that the snapshot
/// lacks or has with another shape or dtype, and for one under the prefix that the tree has no place for. Nothing is
/// changed then.
void restore_leaves(const Snapshot& snapshot, std::string_view prefix, const Leaves& leaves);

/// A model's tensors by their paths.
std::vector<NamedTensor> named_leaves(const Leaves& leaves);
template <class Model>
std::vector<NamedTensor> named_weights(const Model& model) {
  return named_leaves(leaves_of(const_cast<Model&>(model)));
}

/// The text of a fact; E0703 when the snapshot lacks it.
const std::string& fact(const Snapshot& snapshot, const std::string& name);
int64_t integer_fact(const Snapshot& snapshot, const std::string& name);

}  // namespace strata::train
