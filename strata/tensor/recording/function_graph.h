// Functions of tensors as graphs: what vmap, control flow and custom derivatives do with the lambdas that they are
// given.
//
//   lambda --trace--> graph (own parameters, captures) + the tensors captured     ... which become operands outside
//
// A tensor from outside that the lambda uses becomes a parameter of the graph, once, behind the parameters it was
// traced with.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/tensor/tree/tree.h"

namespace strata::trace_detail {

/// Every place of a tree that may hold a tensor, in order; a tensor that stands in two places counts twice.
class PlaceCollector {
 public:
  std::vector<Tensor*> places;
  template <class X>
  void tensor(const std::string&, LeafKind, X& t) {
    places.push_back(const_cast<Tensor*>(static_cast<const Tensor*>(&t)));
  }
  template <class X>
  void constant(const std::string&, const X&) {}
};

/// The tree must outlive the result; those of a const tree must not be assigned to.
template <class Tree>
std::vector<Tensor*> places_of(Tree& tree) {
  PlaceCollector collector;
  walk_tree(tree, "", collector);
  return std::move(collector.places);
}

/// The tensors of a tree that have a value.
template <class Tree>
std::vector<Tensor> tensors_of(const Tree& tree) {
  std::vector<Tensor> list;
  for (const Tensor* place : places_of(tree))
    if (place->defined()) list.push_back(*place);
  return list;
}

/// The tree with other tensors in place of those that have a value.
template <class Tree>
Tree with_tensors(Tree tree, std::span<const Tensor> tensors) {
  size_t next = 0;
  for (Tensor* place : places_of(tree))
    if (place->defined()) *place = tensors[next++];
  return tree;
}

/// The same, taking the tensors from the front of a list.
template <class Tree>
Tree take_from(const Tree& tree, std::span<const Tensor>& tensors) {
  const size_t count = tensors_of(tree).size();
  Tree result = with_tensors(tree, tensors.first(count));
  tensors = tensors.subspan(count);
  return result;
}

std::vector<ir::Type> types_of(std::span<const Tensor> tensors);

struct Traced {
  std::shared_ptr<ir::Graph> graph;
  std::vector<Tensor> captures;
};

using TensorFn = base::FunctionRef<std::vector<Tensor>(std::span<const Tensor>)>;

/// Records `body` on tensors of these types.
Traced trace(const char* name, std::span<const ir::Type> types, const TensorFn& body);

/// The graphs again, each with the captures of all of them behind its own parameters; `captures` gets these.
std::vector<ir::GraphRef> share_captures(std::span<const Traced> traced, std::vector<Tensor>& captures);

/// Appends to the innermost recording what `f` makes of the tensors' values there.
std::vector<Tensor> append(Source at, std::span<const Tensor> tensors,
                           base::FunctionRef<std::vector<ir::Value>(ir::Graph&, std::span<const ir::Value>)> f);

}  // namespace strata::trace_detail
