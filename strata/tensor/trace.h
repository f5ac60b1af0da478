// Functions of tensors as graphs: what vmap, control flow and custom derivatives do with the lambdas that they are
// given.
//
//   lambda --trace--> graph (own parameters, captures) + the tensors captured     ... which become operands outside
//
// A tensor from outside that the lambda uses becomes a parameter of the graph, once, behind the parameters it was
// traced with.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "strata/ir/graph.h"
#include "strata/tensor/tree.h"

namespace strata::trace_detail {

/// Every place of a tree that holds a tensor, in order; a tensor that stands in two places counts twice.
class PlaceCollector {
 public:
  std::vector<Tensor*> places;
  template <class X>
  void tensor(const std::string&, LeafKind, X& t) {
    if (t.defined()) places.push_back(const_cast<Tensor*>(static_cast<const Tensor*>(&t)));
  }
  template <class X>
  void constant(const std::string&, const X&) {}
};

template <class Tree>
std::vector<Tensor> tensors_of(const Tree& tree) {
  PlaceCollector collector;
  walk_tree(tree, "", collector);
  std::vector<Tensor> list;
  for (const Tensor* place : collector.places) list.push_back(*place);
  return list;
}

/// The tree with other tensors in its places.
template <class Tree>
Tree with_tensors(Tree tree, std::span<const Tensor> tensors) {
  PlaceCollector collector;
  walk_tree(tree, "", collector);
  for (size_t i = 0; i < collector.places.size(); ++i) *collector.places[i] = tensors[i];
  return tree;
}

std::vector<ir::Type> types_of(std::span<const Tensor> tensors);

struct Traced {
  std::shared_ptr<ir::Graph> graph;
  std::vector<Tensor> captures;
};

using TensorFn = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

/// Records `body` on tensors of these types.
Traced trace(const char* name, std::span<const ir::Type> types, const TensorFn& body);

/// The graphs again, each with the captures of all of them behind its own parameters; `captures` gets these.
std::vector<ir::GraphRef> share_captures(std::span<const Traced> traced, std::vector<Tensor>& captures);

/// Appends to the innermost recording what `f` makes of the tensors' values there.
std::vector<Tensor> append(Source at, std::span<const Tensor> tensors,
                           const std::function<std::vector<ir::Value>(ir::Graph&, std::span<const ir::Value>)>& f);

}  // namespace strata::trace_detail
