// Gradient accumulation: several small batches make one update.
//
//   optim::GradientSum<Mlp> sum(model);                       // a tree: an in-out argument of both jitted functions
//   add:    sum.add(grads, loss)                              // once per small batch
//   apply:  optimiser.update(model, sum.take(), sum.loss())   // mean gradients; the sum starts again at zero
#pragma once

#include <string_view>
#include <unordered_map>

#include "strata/tensor/tree/tree.h"

namespace strata::optim {

template <class Model>
class GradientSum {
 public:
  Model total;
  Tensor loss_total, count;  ///< f32 scalars
  STRATA_FIELDS(total, loss_total, count)

  GradientSum() = default;
  /// Zero for each float parameter of the model: half floats add up in f32, and so do the means that take() gives.
  explicit GradientSum(const Model& model) : total(model), loss_total(Tensor::scalar(0)), count(Tensor::scalar(0)) {
    for (const Leaf& leaf : leaves_of(total).list) {
      const bool is_summed =
          leaf.kind == LeafKind::Parameter && leaf.tensor().defined() && ir::is_float(leaf.tensor().dtype());
      leaf.assign(is_summed ? Tensor(zeros_like_array(leaf.tensor())) : Tensor());
    }
  }

  void add(const Model& grads, const Tensor& loss, Source at = Source::here()) {
    Model copy = grads;
    const Leaves from = leaves_of(copy), to = leaves_of(total);
    std::unordered_map<std::string_view, const Tensor*> grad_at;
    for (const Leaf& grad : from.list) grad_at.emplace(grad.paths[0], &grad.tensor());
    std::vector<std::pair<const Leaf*, Tensor>> sums;  // rebound when nothing can throw any more
    for (const Leaf& sum : to.list)
      if (const auto grad = grad_at.find(sum.paths[0]);
          grad != grad_at.end() && sum.tensor().defined() && grad->second->defined())
        sums.emplace_back(
            &sum, ops::add(sum.tensor(), ops::Operand<Tensor>(cast(*grad->second, sum.tensor().dtype()), at), at));
    Tensor losses = loss_total + cast(loss, DType::f32), more = count + 1;
    for (const auto& [leaf, value] : sums) leaf->assign(value);
    loss_total = std::move(losses), count = std::move(more);
  }

  /// The mean gradients; afterwards the sum is zero. loss() is the mean loss of what was taken.
  Model take(Source at = Source::here()) {
    Model means = total;
    const Tensor divisor = maximum(count, 1.0);
    for (const Leaf& leaf : leaves_of(means).list)
      if (leaf.tensor().defined()) leaf.assign(div(leaf.tensor(), cast(divisor, leaf.tensor().dtype()), at));
    mean_loss_ = loss_total / divisor;
    for (const Leaf& leaf : leaves_of(total).list)
      if (leaf.tensor().defined()) leaf.assign(zeros_like(leaf.tensor(), at));
    loss_total = zeros_like(loss_total, at);
    count = zeros_like(count, at);
    return means;
  }
  const Tensor& loss() const { return mean_loss_; }

 private:
  static HostArray zeros_like_array(const Tensor& like) {
    std::vector<int64_t> shape;
    for (Dim d : like.shape()) shape.push_back(d.constant());
    return HostArray(ir::is_half_float(like.dtype()) ? DType::f32 : like.dtype(), std::move(shape));
  }
  Tensor mean_loss_;
};

}  // namespace strata::optim
