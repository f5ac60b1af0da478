// vmap(fn): the function over a batch, one call instead of a loop. Nests with grad, jit and itself.
//
//   auto per_sample = vmap([&](Tensor x, Tensor y) {
//     return grad([&](const Mlp& m) { return loss(m, x, y); }, model);
//   });
//   Mlp grads = per_sample(x_BD, y_B);                                       // every gradient with a leading axis B
//   auto ensemble = vmap([](const Mlp& m, Tensor x) { return m(x); }, {0, kUnbatched});      // many models, one input
//
// Results carry the batch as axis 0; those that do not depend on a batched argument are broadcast. Tensors used from
// outside are not batched.
#pragma once

#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/tensor/recording/function_graph.h"

namespace strata {

/// The axis of an argument's tensors that is the batch.
using BatchAxis = std::optional<int>;
inline constexpr BatchAxis kUnbatched = std::nullopt;

namespace vmap_detail {

/// Runs the traced function over a batch. `axes`: for each tensor.
std::vector<Tensor> over_batch(std::span<const Tensor> arguments, std::span<const BatchAxis> axes,
                               const trace_detail::TensorFn& body, Source at);

template <class Tree>
void collect(const Tree& tree, BatchAxis axis, std::vector<Tensor>& tensors, std::vector<BatchAxis>& axes) {
  for (const Tensor& t : trace_detail::tensors_of(tree)) {
    tensors.push_back(t);
    axes.push_back(axis);
  }
}

}  // namespace vmap_detail

template <class F>
class Vmapped {
 public:
  Vmapped(F f, std::vector<BatchAxis> in_axes, Source made_at)
      : f_(std::move(f)), in_axes_(std::move(in_axes)), made_at_(made_at) {}

  template <class... Args>
  auto operator()(const Args&... args) const {
    return call(made_at_, args...);
  }

  /// User errors: E0530 when batched extents differ or no argument is batched.
  template <class... Args>
  auto call(Source at, const Args&... args) const {
    using Returned = std::remove_cvref_t<decltype(f_(args...))>;
    std::vector<Tensor> tensors;
    std::vector<BatchAxis> axes;
    size_t next = 0;
    auto axis = [&] {
      return next < in_axes_.size() ? in_axes_[next++] : in_axes_.empty() ? BatchAxis(0) : kUnbatched;
    };
    (vmap_detail::collect(args, axis(), tensors, axes), ...);
    std::optional<Returned> prototype;
    const auto body = [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
      prototype = std::apply([this](const Args&... copy) { return f_(copy...); }, copies);
      return trace_detail::tensors_of(*prototype);
    };
    const std::vector<Tensor> results = vmap_detail::over_batch(tensors, axes, body, at);
    return trace_detail::with_tensors(std::move(*prototype), results);
  }

 private:
  F f_;
  std::vector<BatchAxis> in_axes_;
  Source made_at_;  ///< stands for the line of a call, which can't have a defaulted argument behind `args`
};

/// `in_axes`: one per argument (for all tensors of a tree); none given: axis 0 of every argument.
template <class F>
Vmapped<F> vmap(F f, std::vector<BatchAxis> in_axes = {}, Source at = Source::here()) {
  return Vmapped<F>(std::move(f), std::move(in_axes), at);
}

}  // namespace strata
