#include "strata/nn/context.h"

#include "strata/ops/elementwise.h"

namespace strata::nn {

Key Context::key_for(const Path& path) {
  const std::string text = path.text() ? path.text() : "";
  const Key key = key_.fold_in(text);
  const uint64_t draw = draws_[text]++;
  return draw == 0 ? key : key.fold_in(draw);
}

void Context::commit_leaves(const Leaves& leaves, const Tensor& is_sound, Source at) {
  std::vector<std::pair<const Leaf*, Tensor>> values;  // rebound when nothing can throw any more
  for (const Leaf& leaf : leaves.list) {
    if (leaf.kind != LeafKind::Buffer) continue;
    // The last one counts: a layer that is called twice sees both batches.
    for (auto it = updates_.rbegin(); it != updates_.rend(); ++it) {
      if (it->first.cell() != leaf.tensor().cell()) continue;
      values.emplace_back(&leaf, is_sound.defined() ? select(is_sound, it->second, leaf.tensor(), at) : it->second);
      break;
    }
  }
  for (const auto& [leaf, value] : values) leaf->assign(value);
  updates_.clear();
}

}  // namespace strata::nn
