// Mixed precision as a policy: parameters are kept in f32, and cast inside the differentiated function, so that the
// forward and backward passes run in bf16 while gradients and the optimiser stay in f32.
//
//   auto [loss, grads] = value_and_grad([&](const Gpt& m) {
//     const Gpt half = nn::cast_parameters(m, DType::bf16);
//     return nn::cross_entropy(cast(half(x, context), DType::f32), y);
//   }, model);
//
// Reductions, dots and statistics of norms accumulate in f32 anyhow (the ops see to that). bf16 has f32's range: no
// loss scaling.
#pragma once

#include "strata/tensor/tree/tree.h"

namespace strata::nn {

/// The tree with its float parameters in another dtype; buffers and integers as they are, tied parameters tied.
template <class Tree>
Tree cast_parameters(const Tree& tree, DType dtype, Source at = Source::here()) {
  Tree result = tree;
  for (const Leaf& leaf : leaves_of(result).list)
    if (leaf.kind == LeafKind::Parameter && leaf.tensor().defined() && ir::is_float(leaf.tensor().dtype()))
      leaf.assign(cast(leaf.tensor(), dtype, at));
  return result;
}

}  // namespace strata::nn
