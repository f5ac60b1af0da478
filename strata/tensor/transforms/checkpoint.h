// checkpoint(fn): the backward pass keeps only what the function is given, and computes the rest again: less memory for
// more time.
//
//   for (const Block& block : blocks) x = checkpoint([&](const Tensor& x) { return block(x); })(x);
#pragma once

#include "strata/tensor/transforms/custom.h"

namespace strata {

namespace custom_detail {
std::vector<Tensor> checkpoint_of(std::span<const Tensor> inputs, const TensorFn& body, Source at);
}

template <class F>
class Checkpointed {
 public:
  Checkpointed(F f, Source made_at) : f_(std::move(f)), made_at_(made_at) {}

  template <class... Args>
  auto operator()(const Args&... args) const {
    std::optional<std::remove_cvref_t<decltype(f_(args...))>> returned;
    auto body = [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
      returned = std::apply(f_, copies);
      return trace_detail::tensors_of(*returned);
    };
    const std::vector<Tensor> results = custom_detail::checkpoint_of(custom_detail::flat(args...), body, made_at_);
    return trace_detail::with_tensors(std::move(*returned), results);
  }

 private:
  F f_;
  Source made_at_;
};

/// Arguments and result are trees of tensors; derivatives also reach the tensors that the function captures.
template <class F>
Checkpointed<F> checkpoint(F f, Source at = Source::here()) {
  return Checkpointed<F>(std::move(f), at);
}

}  // namespace strata
