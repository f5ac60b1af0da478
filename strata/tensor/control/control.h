// Control flow on tensors: branches and loops as parts of the program, in every mode; differentiable and batchable.
//
//   Tensor y = cond(sum(x) > 0, [&] { return sqrt(x); }, [&] { return x; });
//   auto [h, outputs] = scan(
//       [&](const State& s, const Tensor& x_BD) {
//         State next = cell(s, x_BD);
//         return std::pair(next, next.h);
//       },
//       start, xs_TBD);
//
// The functions are recorded once, not run per step: they take and return trees of tensors, and what they use from
// outside is the same at each step. A state keeps its types from step to step (E0531).
#pragma once

#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/ops/control/control.h"
#include "strata/tensor/recording/function_graph.h"

namespace strata {

namespace control_detail {

using trace_detail::TensorFn;

std::vector<Tensor> cond_of(const Tensor& condition, std::span<const Tensor> operands, const TensorFn& then,
                            const TensorFn& otherwise, Source at);
std::vector<Tensor> while_of(std::span<const Tensor> state, const TensorFn& condition, const TensorFn& body, Source at);
std::vector<Tensor> scan_of(std::span<const Tensor> carries, std::span<const Tensor> xs, Dim length,
                            ops::ScanOrder order, const TensorFn& body, Source at);
/// 0, 1, ... as i64.
Tensor steps(Dim count, Source at);
/// Extent of axis 0 of the slices (E0531 when they differ or there are none).
Dim length_of(std::span<const Tensor> xs, Source at);

/// What decides a cond, with the line of the call: a defaulted argument can't stand behind the trees.
struct Condition {
  const Tensor& value;
  Source at;
  Condition(const Tensor& value, Source at = Source::here()) : value(value), at(at) {}
};

}  // namespace control_detail

/// condition (bool scalar) ? then(operands...) : otherwise(operands...); only one of them runs. Both give trees of
/// equal types.
template <class Then, class Else, class... Trees>
auto cond(const control_detail::Condition& condition, Then&& then, Else&& otherwise, const Trees&... operands) {
  using Returned = std::remove_cvref_t<decltype(then(operands...))>;
  const std::vector<Tensor> flat = trace_detail::tensors_of(std::tuple<const Trees&...>(operands...));
  std::optional<Returned> prototype;
  auto branch = [&](auto& f) {
    return [&]([[maybe_unused]] std::span<const Tensor> inner) {
      std::tuple<Trees...> copies{trace_detail::take_from(operands, inner)...};
      prototype = std::apply([&](const Trees&... copy) { return f(copy...); }, copies);
      return trace_detail::tensors_of(*prototype);
    };
  };
  const std::vector<Tensor> results =
      control_detail::cond_of(condition.value, flat, branch(then), branch(otherwise), condition.at);
  return trace_detail::with_tensors(std::move(*prototype), results);
}

/// while (condition(state)) state = body(state). Reverse mode keeps what each step needs on the way back: in the plan
/// where the number of steps follows from constants (a counter that starts at Tensor::full({}, 0, DType::i32) and is
/// compared with a literal), else on a tape that grows as the loop runs; then the gradient has no derivative (E0200).
template <class Condition, class Body, class State>
State while_loop(Condition&& condition, Body&& body, const State& state, Source at = Source::here()) {
  auto goes_on = [&](std::span<const Tensor> inner) {
    const State now = trace_detail::take_from(state, inner);
    return std::vector<Tensor>{condition(now)};
  };
  auto step = [&](std::span<const Tensor> inner) {
    return trace_detail::tensors_of(body(trace_detail::take_from(state, inner)));
  };
  const auto flat = trace_detail::tensors_of(state);
  return trace_detail::with_tensors(state, control_detail::while_of(flat, goes_on, step, at));
}

struct ScanOptions {
  ops::ScanOrder order = ops::ScanOrder::Forward;
};

/// body(carry, slice of xs) -> pair(next carry, slice of ys), along axis 0 of the tensors of xs; gives pair(last carry,
/// ys).
template <class Body, class Carry, class Xs>
auto scan(Body&& body, const Carry& carry, const Xs& xs, ScanOptions options = {}, Source at = Source::here()) {
  using Ys = std::remove_cvref_t<decltype(body(carry, xs).second)>;
  const auto carries = trace_detail::tensors_of(carry), slices = trace_detail::tensors_of(xs);
  std::optional<Ys> prototype;
  auto step = [&](std::span<const Tensor> inner) {
    const Carry c = trace_detail::take_from(carry, inner);
    auto [next, y] = body(c, trace_detail::take_from(xs, inner));
    std::vector<Tensor> results = trace_detail::tensors_of(next);
    for (const Tensor& t : trace_detail::tensors_of(y)) results.push_back(t);
    prototype = std::move(y);
    return results;
  };
  const std::vector<Tensor> results =
      control_detail::scan_of(carries, slices, control_detail::length_of(slices, at), options.order, step, at);
  const std::span<const Tensor> all(results);
  return std::pair<Carry, Ys>(trace_detail::with_tensors(carry, all.first(carries.size())),
                              trace_detail::with_tensors(std::move(*prototype), all.subspan(carries.size())));
}

/// state = body(i, state) for i = 0, 1, ..., count - 1 (an i64 scalar).
template <class Body, class State>
State for_loop(Dim count, Body&& body, const State& state, Source at = Source::here()) {
  const auto flat = trace_detail::tensors_of(state);
  const Tensor counter = control_detail::steps(count, at);
  auto step = [&](std::span<const Tensor> inner) {
    const Tensor i = inner.back();
    return trace_detail::tensors_of(body(i, trace_detail::take_from(state, inner)));
  };
  return trace_detail::with_tensors(
      state, control_detail::scan_of(flat, {&counter, 1}, count, ops::ScanOrder::Forward, step, at));
}

}  // namespace strata
