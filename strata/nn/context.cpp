#include "strata/nn/context.h"

#include <unordered_map>

#include "strata/ops/elementwise.h"

namespace strata::nn {

Key Context::key_for(const Path& path) {
  const std::string text = path.text() ? path.text() : "";
  const Key key = key_.fold_in(text);
  const uint64_t draw = draws_[text]++;
  return draw == 0 ? key : key.fold_in(draw);
}

void Context::commit_leaves(const Leaves& leaves, const Tensor& is_sound, Source at) {
  const LineScope scope(at);
  // The last one counts: a layer that is called twice sees both batches.
  std::unordered_map<const recording_detail::Cell*, const Tensor*> last;
  for (const auto& [buffer, value] : updates_) last[buffer.cell()] = &value;
  std::vector<std::pair<const Leaf*, Tensor>> values;  // rebound when nothing can throw any more
  for (const Leaf& leaf : leaves.list) {
    const auto update = last.find(leaf.tensor().cell());
    if (leaf.kind != LeafKind::Buffer || update == last.end()) continue;
    const Tensor& value = *update->second;
    values.emplace_back(&leaf, is_sound.defined() ? select(is_sound, value, leaf.tensor(), at) : value);
  }
  for (const auto& [leaf, value] : values) leaf->assign(value);
  updates_.clear();
}

}  // namespace strata::nn
