// What a call of a stateful layer needs besides its input: training or not, random numbers, and where new statistics
// go.
//
//   auto step = jit([](Net& m, optim::Optimiser& opt, Tensor x, Tensor y, Key key) {
//     nn::Context context(nn::Mode::Train, key);
//     auto [loss, grads] = value_and_grad([&](const Net& m) { return nn::cross_entropy(m(x, context), y); }, m);
//     const Tensor is_sound = opt.update(m, grads, loss);
//     context.commit(m, is_sound);                                 // running statistics
//     return loss;
//   });
//   nn::Context evaluation;                                        // no dropout, running statistics are used
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "strata/nn/path.h"
#include "strata/tensor/random.h"
#include "strata/tensor/tree/tree.h"

namespace strata::nn {

enum class Mode : uint8_t { Train, Eval };

class Context {
 public:
  Context() : Context(Mode::Eval, Key(0)) {}
  Context(Mode mode, Key key);

  bool is_training() const { return mode_ == Mode::Train; }

  /// A key for a layer: the context's, folded with the layer's path and how often that path has asked before.
  Key key_for(const Path& path);

  /// Notes the new value of a layer's statistics. The buffer that the layer holds is what identifies it.
  void update(const Buffer& buffer, Tensor value);
  /// The value that was noted last, else the buffer's own: a layer that is called twice sees both batches.
  Tensor latest(const Buffer& buffer) const;

  /// Rebinds the model's buffers to their noted values; where `is_sound` is given and false they keep their own.
  template <class Model>
  void commit(Model& model, const Tensor& is_sound = {}, Source at = Source::here()) {
    commit_leaves(leaves_of(model), is_sound, at);
  }

 private:
  void commit_leaves(const Leaves& leaves, const Tensor& is_sound, Source at);

  Mode mode_;
  Key key_;
  std::map<std::string, uint64_t> draws_;  ///< by path
  std::unordered_map<const recording_detail::Cell*, std::pair<Tensor, Tensor>>
      updates_;  ///< buffer and value, by buffer
};

}  // namespace strata::nn
