#include "strata/nn/context.h"

#include <vector>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/ops/elementwise/elementwise.h"

namespace strata::nn {

Context::Context(Mode mode, Key key) : mode_(mode), key_(std::move(key)) {
  base::OptionCheck(base::code::kOptionOutOfRange, "context")
      .integer("mode", static_cast<int64_t>(mode), base::Bounds::between(0, 1));
}

Key Context::key_for(const Path& path) {
  const std::string text = path.text() ? path.text() : "";
  const Key key = key_.fold_in(text);
  const uint64_t draw = draws_[text]++;
  return draw == 0 ? key : key.fold_in(draw);
}

void Context::update(const Buffer& buffer, Tensor value) {
  updates_.insert_or_assign(buffer.cell(), std::pair<Tensor, Tensor>(buffer, std::move(value)));
}

Tensor Context::latest(const Buffer& buffer) const {
  const auto noted = updates_.find(buffer.cell());
  return noted == updates_.end() ? Tensor(buffer) : noted->second.second;
}

void Context::commit_leaves(const Leaves& leaves, const Tensor& is_sound, Source at) {
  const LineScope scope(at);
  std::vector<std::pair<const Leaf*, Tensor>> values;  // rebound when nothing can throw any more
  for (const Leaf& leaf : leaves.list) {
    const auto update = updates_.find(leaf.tensor().cell());
    if (leaf.kind != LeafKind::Buffer || update == updates_.end()) continue;
    const Tensor& value = update->second.second;
    values.emplace_back(&leaf, is_sound.defined() ? select(is_sound, value, leaf.tensor(), at) : value);
  }
  for (const auto& [leaf, value] : values) leaf->assign(value);
  updates_.clear();
}

}  // namespace strata::nn
