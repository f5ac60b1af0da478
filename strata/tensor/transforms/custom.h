// Functions with derivatives of your own.
//
//   auto clipped = custom_vjp(
//       [](const Tensor& x) { return x; },                                   // the function
//       [](const Tensor& x) { return std::pair(x, std::tuple<>()); },        // result and residuals
//       [](std::tuple<>, const Tensor& ct) { return clamp(ct, -1, 1); });    // cotangents
//
// Arguments and results are trees. Derivatives are with respect to the arguments only: a captured tensor that is
// differentiated is an error (E0204). The functions are recorded, so they nest with grad, vmap and jit, and the
// backward function is differentiable.
#pragma once

#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/tensor/recording/function_graph.h"

namespace strata {

namespace custom_detail {

using trace_detail::TensorFn;

/// `forward`: inputs -> outputs, residuals. `backward`: residuals, cotangents of float outputs -> cotangents of float
/// inputs.
std::vector<Tensor> custom_vjp_of(std::span<const Tensor> inputs, const TensorFn& body, const TensorFn& forward,
                                  const TensorFn& backward, Source at);
std::vector<Tensor> custom_jvp_of(std::span<const Tensor> inputs, const TensorFn& body, const TensorFn& rule,
                                  Source at);
/// The type of each place, null where there is no tensor: kept apart, since a traced tensor's type ends with its trace.
std::vector<ir::Type> types_of_places(std::span<Tensor* const> places);
/// For each place that holds a float its cotangent or tangent, zeros where none is given (E0532).
std::vector<Tensor> matched(std::span<const ir::Type> places, std::span<Tensor* const> given, const char* what);

/// The tree with tensors from the front of a list in place of its floats, and nothing in place of the others.
template <class Tree>
Tree floats_from(Tree tree, std::span<const ir::Type> types, std::span<const Tensor>& tensors) {
  size_t i = 0;
  for (Tensor* place : trace_detail::places_of(tree)) {
    const ir::Type type = types[i++];
    const bool is_taken = type && is_float(type.dtype());
    *place = is_taken ? tensors.front() : Tensor();
    if (is_taken) tensors = tensors.subspan(1);
  }
  return tree;
}

template <class Tree>
std::vector<ir::Type> types_in(const Tree& tree) {
  return types_of_places(trace_detail::places_of(tree));
}

template <class... Trees>
std::vector<Tensor> flat(const Trees&... trees) {
  std::vector<Tensor> list;
  auto add = [&](const auto& tree) {
    for (const Tensor& t : trace_detail::tensors_of(tree)) list.push_back(t);
  };
  (add(trees), ...);
  return list;
}

}  // namespace custom_detail

template <class F, class Forward, class Backward>
class CustomVjp {
 public:
  CustomVjp(F f, Forward forward, Backward backward, Source made_at)
      : f_(std::move(f)), forward_(std::move(forward)), backward_(std::move(backward)), made_at_(made_at) {}

  template <class... Args>
  auto operator()(const Args&... args) const {
    using Returned = std::remove_cvref_t<decltype(f_(args...))>;
    using Residuals = std::remove_cvref_t<decltype(forward_(args...).second)>;
    std::optional<Returned> returned;
    std::optional<Residuals> residuals;
    std::vector<ir::Type> result_types;
    auto body = [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
      returned = std::apply(f_, copies);
      result_types = custom_detail::types_in(*returned);
      return trace_detail::tensors_of(*returned);
    };
    auto forward = [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
      auto made = std::apply(forward_, copies);
      residuals = std::move(made.second);
      return custom_detail::flat(made.first, *residuals);
    };
    auto backward = [&](std::span<const Tensor> inner) {
      const Residuals kept = trace_detail::take_from(*residuals, inner);
      const auto cotangents = backward_(kept, custom_detail::floats_from(*returned, result_types, inner));
      const std::tuple<const Args&...> all(args...);
      return custom_detail::matched(custom_detail::types_in(all), trace_detail::places_of(cotangents), "cotangents");
    };
    const std::vector<Tensor> inputs = custom_detail::flat(args...);
    const std::vector<Tensor> results = custom_detail::custom_vjp_of(inputs, body, forward, backward, made_at_);
    return trace_detail::with_tensors(std::move(*returned), results);
  }

 private:
  F f_;
  Forward forward_;
  Backward backward_;
  Source made_at_;
};

/// `forward(args...)` -> pair(result, residuals); `backward(residuals, cotangents like the result)` -> cotangents like
/// the argument, or a tuple of them for several. Forward mode is that of `f` itself.
template <class F, class Forward, class Backward>
CustomVjp<F, Forward, Backward> custom_vjp(F f, Forward forward, Backward backward, Source at = Source::here()) {
  return {std::move(f), std::move(forward), std::move(backward), at};
}

template <class F, class Rule>
class CustomJvp {
 public:
  CustomJvp(F f, Rule rule, Source made_at) : f_(std::move(f)), rule_(std::move(rule)), made_at_(made_at) {}

  template <class... Args>
  auto operator()(const Args&... args) const {
    using Returned = std::remove_cvref_t<decltype(f_(args...))>;
    std::optional<Returned> returned;
    std::vector<ir::Type> result_types;
    auto body = [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
      returned = std::apply(f_, copies);
      result_types = custom_detail::types_in(*returned);
      return trace_detail::tensors_of(*returned);
    };
    auto rule = [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
      std::tuple<Args...> tangents{custom_detail::floats_from(args, custom_detail::types_in(args), inner)...};
      const Returned made = std::apply(rule_, std::tuple_cat(copies, tangents));
      return custom_detail::matched(result_types, trace_detail::places_of(made), "tangents");
    };
    const std::vector<Tensor> results =
        custom_detail::custom_jvp_of(custom_detail::flat(args...), body, rule, made_at_);
    return trace_detail::with_tensors(std::move(*returned), results);
  }

 private:
  F f_;
  Rule rule_;
  Source made_at_;
};

/// `rule(args..., tangents...)` -> tangents like the result, linear in the tangents: reverse mode transposes it.
template <class F, class Rule>
CustomJvp<F, Rule> custom_jvp(F f, Rule rule, Source at = Source::here()) {
  return {std::move(f), std::move(rule), at};
}

}  // namespace strata
