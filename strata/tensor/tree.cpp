#include "strata/tensor/tree.h"

#include "strata/tensor/recording.h"

namespace strata {

void LeafCollector::add(const std::string& path, LeafKind kind, Tensor* place) {
  mix(path, base::combine(base::Hash128{}, static_cast<uint64_t>(kind) + 1));
  if (place->defined())
    for (Leaf& leaf : leaves.list)
      if (leaf.tensor().cell() == place->cell()) {
        leaf.paths.push_back(path);
        leaf.places.push_back(place);
        mix(path, base::hash_text(leaf.paths[0]));
        return;
      }
  leaves.list.push_back({{path}, {place}, kind});
}

void LeafCollector::mix(const std::string& path, base::Hash128 value) {
  leaves.structure = base::combine(base::combine(leaves.structure, base::hash_text(path)), value);
}

}  // namespace strata
