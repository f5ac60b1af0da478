// A model whose architecture was chosen while the program ran: one type for all that stand in the table (list.h).
//
//   models::Model model(nn::init<LeNet>(Key(0)));
//   const Tensor logits = model(x, context);
//
// It is a tree like the model in it, with the same leaves in the same order under the same paths: gradients,
// optimisers, state dicts and jit take it as they take the struct itself. A copy is a copy of the tree.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "strata/nn/context.h"
#include "strata/tensor/tree/tree.h"

namespace strata::models {

class Model {
 public:
  Model() = default;
  /// `model`: an initialised tree that is called as model(x) or as model(x, context).
  template <class M>
    requires(!std::is_same_v<M, Model>)
  explicit Model(M model) : held_(std::make_unique<Tree<M>>(std::move(model))) {}
  Model(const Model& other) : held_(other.held_ ? other.held_->copy() : nullptr) {}
  Model(Model&&) noexcept = default;
  Model& operator=(Model other) noexcept {
    held_ = std::move(other.held_);
    return *this;
  }
  ~Model() = default;

  /// What it eats -> what it returns, as its architecture says.
  Tensor operator()(const Tensor& x, nn::Context& context, Source at = Source::here()) const;

  /// The struct that it was made of; null where it is another one.
  template <class M>
  const M* as() const {
    const auto* tree = dynamic_cast<const Tree<M>*>(held_.get());
    return tree ? &tree->model : nullptr;
  }

  template <class V>
  void visit_fields(V&& visitor) {
    if (held_) visit<Tensor, Buffer>(held_->leaves(), visitor);
  }
  template <class V>
  void visit_fields(V&& visitor) const {
    if (held_) visit<const Tensor, const Buffer>(held_->leaves(), visitor);
  }

 private:
  struct Held {
    virtual ~Held() = default;
    virtual std::unique_ptr<Held> copy() const = 0;
    virtual Leaves leaves() = 0;
    virtual Tensor call(const Tensor& x, nn::Context& context, Source at) const = 0;
  };
  template <class M>
  struct Tree final : Held {
    explicit Tree(M m) : model(std::move(m)) {}
    std::unique_ptr<Held> copy() const override { return std::make_unique<Tree>(model); }
    Leaves leaves() override { return leaves_of(model); }
    Tensor call(const Tensor& x, nn::Context& context, Source at) const override {
      if constexpr (requires { model(x, context, at); })
        return model(x, context, at);
      else
        return model(x, at);
    }
    M model;
  };

  /// A tied parameter is met at each of its places. The static part of the tree is met as one text.
  template <class T, class B, class V>
  static void visit(const Leaves& leaves, V& visitor) {
    for (const Leaf& leaf : leaves.list)
      for (size_t i = 0; i < leaf.paths.size(); ++i) {
        if (leaf.kind == LeafKind::Buffer)
          visitor(leaf.paths[i], static_cast<B&>(*leaf.places[i]));
        else
          visitor(leaf.paths[i], static_cast<T&>(*leaf.places[i]));
      }
    const std::string structure = leaves.structure.hex();
    visitor("structure", structure);
  }

  std::unique_ptr<Held> held_;
};

}  // namespace strata::models
