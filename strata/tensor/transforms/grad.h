// Derivatives of functions of tensors and trees. All work inside jit and outside, and nest to any order.
//
//   auto [loss, grads] = value_and_grad([&](const Mlp& m) { return nn::cross_entropy(m(x), y); }, model);
//
// `grads` is a tree like the model with gradients in place of the parameters; buffers and integer tensors have none
// (undefined). The function may also return std::pair(loss, anything): the second part comes along in place of the loss
// as pair(loss, rest).
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "strata/tensor/recording/function_graph.h"
#include "strata/tensor/tree/tree.h"

namespace strata {

namespace grad_detail {

/// Keeps the recording whole from the first recorded op to the derivative.
class Hold {
 public:
  Hold();
  ~Hold();
  Hold(const Hold&) = delete;

 private:
  recording_detail::Recording& recording_;
};

/// Marks leaves as the inputs of a derivative: each becomes a value of its own in the recording, so that other uses of
/// the same tensor count as constants.
std::vector<Tensor> separate(const Leaves& leaves, Source at);
std::vector<Tensor> gradients(const Tensor& output, std::span<const Tensor> inputs, Source at);
std::vector<Tensor> vjp_of(std::span<const Tensor> outputs, std::span<const Tensor> cotangents,
                           std::span<const Tensor> inputs, Source at);
std::vector<Tensor> jvp_of(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                           std::span<const Tensor> tangents, Source at);

template <class R>
Tensor loss_of(const R& result) {
  if constexpr (std::is_same_v<R, Tensor>)
    return result;
  else
    return result.first;
}

bool is_differentiable(const Leaf& leaf);

/// Puts the separated inputs into a copy of the tree and returns them by leaf.
template <class Tree>
std::vector<Tensor> separate_tree(Tree& copy, Source at) {
  const Leaves leaves = leaves_of(copy);
  std::vector<Tensor> inputs = separate(leaves, at);
  for (size_t i = 0; i < inputs.size(); ++i) leaves.list[i].assign(inputs[i]);
  return inputs;
}

/// A tree with the given tensors in place of the differentiable leaves and nothing in place of the others.
template <class Tree>
Tree with_tensors(const Tree& tree, std::span<const Tensor> values) {
  Tree result = tree;
  const Leaves leaves = leaves_of(result);
  size_t next = 0;
  for (const Leaf& leaf : leaves.list) leaf.assign(is_differentiable(leaf) ? values[next++] : Tensor());
  return result;
}

std::vector<Tensor> differentiable(const Leaves& leaves);

/// For each differentiable leaf of a tree the tensor that stands at its place in a tree like it, zeros where there is
/// none (E0532).
std::vector<Tensor> at_leaves(const Leaves& leaves, std::span<Tensor* const> of_leaves, std::span<Tensor* const> given);

template <class Tree>
std::vector<Tensor> at_leaves(const Tree& tree, const Tree& given) {
  return at_leaves(leaves_of(tree), trace_detail::places_of(tree), trace_detail::places_of(given));
}

}  // namespace grad_detail

/// The function's result and the gradient of it (of the first part of a pair) with respect to the tree.
template <class F, class Tree>
auto value_and_grad(F&& f, const Tree& tree, Source at = Source::here()) {
  const grad_detail::Hold hold;
  Tree inputs = tree;
  grad_detail::separate_tree(inputs, at);
  auto result = f(std::as_const(inputs));
  const std::vector<Tensor> wrt = grad_detail::differentiable(leaves_of(inputs));
  Tree grads = grad_detail::with_tensors(inputs, grad_detail::gradients(grad_detail::loss_of(result), wrt, at));
  return std::pair(std::move(result), std::move(grads));
}

/// The gradient alone.
template <class F, class Tree>
Tree grad(F&& f, const Tree& tree, Source at = Source::here()) {
  return value_and_grad(std::forward<F>(f), tree, at).second;
}

/// The result, and the product of the Jacobian's transpose with a cotangent of the result's type.
template <class F, class Tree>
std::pair<Tensor, Tree> vjp(F&& f, const Tree& tree, const Tensor& cotangent, Source at = Source::here()) {
  const grad_detail::Hold hold;
  Tree inputs = tree;
  grad_detail::separate_tree(inputs, at);
  const Tensor output = f(std::as_const(inputs));
  const std::vector<Tensor> wrt = grad_detail::differentiable(leaves_of(inputs));
  const std::vector<Tensor> grads = grad_detail::vjp_of({&output, 1}, {&cotangent, 1}, wrt, at);
  return {output, grad_detail::with_tensors(inputs, grads)};
}

/// The result, and the product of the Jacobian with a tangent (a tree like the argument).
template <class F, class Tree>
std::pair<Tensor, Tensor> jvp(F&& f, const Tree& tree, const Tree& tangent, Source at = Source::here()) {
  const grad_detail::Hold hold;
  Tree inputs = tree;
  grad_detail::separate_tree(inputs, at);
  const Tensor output = f(std::as_const(inputs));
  const std::vector<Tensor> wrt = grad_detail::differentiable(leaves_of(inputs));
  const std::vector<Tensor> tangents = grad_detail::at_leaves(inputs, tangent);
  return {output, grad_detail::jvp_of({&output, 1}, wrt, tangents, at)[0]};
}

/// The Hessian of a scalar function times a vector (a tree like the argument): forward over reverse.
template <class F, class Tree>
Tree hvp(F&& f, const Tree& tree, const Tree& vector, Source at = Source::here()) {
  const grad_detail::Hold hold;
  Tree inputs = tree;
  grad_detail::separate_tree(inputs, at);
  const Tree grads = grad(std::forward<F>(f), inputs, at);
  const std::vector<Tensor> wrt = grad_detail::differentiable(leaves_of(inputs));
  const std::vector<Tensor> out = grad_detail::at_leaves(inputs, grads),
                            tangents = grad_detail::at_leaves(inputs, vector);
  return grad_detail::with_tensors(inputs, grad_detail::jvp_of(out, wrt, tangents, at));
}

}  // namespace strata
