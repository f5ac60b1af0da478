#include "strata/tensor/transforms/grad.h"

#include <unordered_map>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/recording/recording.h"
#include "strata/transform/gradient.h"

namespace strata::grad_detail {

using namespace recording_detail;

namespace {

/// Values of tensors in one recording, for a transform that appends to it.
struct Entered {
  ops::HandleTraits<Tensor>::Recording recording;
  explicit Entered(Source at) : recording(at, nullptr) {}
  std::vector<ir::Value> values(std::span<const Tensor> tensors) {
    std::vector<ir::Value> list;
    for (const Tensor& t : tensors) list.push_back(ops::HandleTraits<Tensor>::enter(recording, t));
    return list;
  }
  std::vector<Tensor> tensors(std::span<const ir::Value> values) {
    std::vector<Tensor> list;
    for (const ir::Value& v : values) list.push_back(ops::HandleTraits<Tensor>::leave(recording, v));
    return list;
  }
};

}  // namespace

Hold::Hold() : recording_(Recording::current()) { ++recording_.holds; }
Hold::~Hold() { --recording_.holds; }

bool is_differentiable(const Leaf& leaf) {
  return leaf.kind == LeafKind::Parameter && leaf.tensor().defined() && is_float(leaf.tensor().dtype());
}

std::vector<Tensor> separate(const Leaves& leaves, Source at) {
  std::vector<Tensor> inputs;
  for (const Leaf& leaf : leaves.list) {
    if (!is_differentiable(leaf)) {
      inputs.push_back(leaf.tensor());
      continue;
    }
    // A reshape to its own shape is free: it is an alias, and the compiler drops it.
    Entered entered(at);
    const ir::Value v = entered.values({&leaf.tensor(), 1})[0];
    const Shape shape(v.shape().begin(), v.shape().end());
    const ir::Attr attr("dims", std::span<const Dim>(shape));
    const ir::Value copy = entered.recording.graph().add(ops::kReshape, {&v, 1}, {&attr, 1})->result();
    inputs.push_back(entered.tensors({&copy, 1})[0]);
  }
  return inputs;
}

std::vector<Tensor> differentiable(const Leaves& leaves) {
  std::vector<Tensor> list;
  for (const Leaf& leaf : leaves.list)
    if (is_differentiable(leaf)) list.push_back(leaf.tensor());
  return list;
}

std::vector<Tensor> at_leaves(const Leaves& leaves, std::span<Tensor* const> of_leaves,
                              std::span<Tensor* const> given) {
  if (of_leaves.size() != given.size())
    throw base::Error(base::code::kCotangentShape, "derivative: a tree of " + std::to_string(given.size()) +
                                                       " tensors is given for one of " +
                                                       std::to_string(of_leaves.size()));
  std::unordered_map<const Cell*, std::vector<size_t>> positions;
  for (size_t i = 0; i < of_leaves.size(); ++i) positions[of_leaves[i]->cell()].push_back(i);
  std::vector<Tensor> list;
  for (const Leaf& leaf : leaves.list) {
    if (!is_differentiable(leaf)) continue;
    const ir::Type wanted = leaf.tensor().type();
    Tensor found;
    for (size_t i : positions[leaf.tensor().cell()]) {
      const Tensor& here = *given[i];
      if (found.defined() && here.cell() != found.cell())
        throw base::Error(base::code::kCotangentShape,
                          "derivative: two directions are given for one tensor, which stands at " + leaf.paths[0] +
                              " and " + leaf.paths[1]);
      found = here;
    }
    if (found.defined() && !(found.type() == wanted)) {
      ir::note_unproved(found.type().shape(), wanted.shape());
      throw base::Error(base::code::kCotangentShape,
                        "derivative: the direction of " + (leaf.paths[0].empty() ? "the argument" : leaf.paths[0]) +
                            " should be " + wanted.str() + ", found " + found.type().str());
    }
    list.push_back(found.defined() ? found : zeros_like(leaf.tensor()));
  }
  return list;
}

std::vector<Tensor> gradients(const Tensor& output, std::span<const Tensor> inputs, Source at) {
  Entered entered(at);
  const ir::Value out = entered.values({&output, 1})[0];
  const std::vector<ir::Value> wrt = entered.values(inputs);
  return entered.tensors(transform::append_gradient(entered.recording.graph(), out, wrt));
}

std::vector<Tensor> vjp_of(std::span<const Tensor> outputs, std::span<const Tensor> cotangents,
                           std::span<const Tensor> inputs, Source at) {
  Entered entered(at);
  const auto out = entered.values(outputs), seeds = entered.values(cotangents), wrt = entered.values(inputs);
  return entered.tensors(transform::append_vjp(entered.recording.graph(), out, seeds, wrt));
}

std::vector<Tensor> jvp_of(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                           std::span<const Tensor> tangents, Source at) {
  Entered entered(at);
  const auto out = entered.values(outputs), wrt = entered.values(inputs), directions = entered.values(tangents);
  return entered.tensors(transform::append_jvp(entered.recording.graph(), out, wrt, directions));
}

}  // namespace strata::grad_detail
