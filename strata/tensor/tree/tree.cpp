#include "strata/tensor/tree/tree.h"

#include "strata/tensor/recording/recording.h"

namespace strata {

namespace {

constexpr size_t kFewLeaves = 16;

}  // namespace

/// The leaf that holds this tensor already; null if none does.
Leaf* LeafCollector::tied_to(const recording_detail::Cell* cell) {
  if (leaves.list.size() <= kFewLeaves) {
    for (Leaf& leaf : leaves.list)
      if (leaf.tensor().cell() == cell) return &leaf;
    return nullptr;
  }
  if (by_cell_.empty())
    for (size_t i = 0; i < leaves.list.size(); ++i) by_cell_.emplace(leaves.list[i].tensor().cell(), i);
  const auto [at, is_new] = by_cell_.emplace(cell, leaves.list.size());
  return is_new ? nullptr : &leaves.list[at->second];
}

void LeafCollector::add(const std::string& path, LeafKind kind, Tensor* place) {
  mix(path, base::combine(base::Hash128{}, static_cast<uint64_t>(kind) + 1));
  if (Leaf* leaf = place->defined() ? tied_to(place->cell()) : nullptr) {
    leaf->paths.push_back(path);
    leaf->places.push_back(place);
    mix(path, base::hash_text(leaf->paths[0]));
    return;
  }
  leaves.list.push_back({path, place, kind});
}

void LeafCollector::mix(const std::string& path, base::Hash128 value) {
  leaves.structure = base::combine(base::combine(leaves.structure, base::hash_text(path)), value);
}

}  // namespace strata
