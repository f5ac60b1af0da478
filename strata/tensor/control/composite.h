// A piece of a program under a name that a back end may know: one node, which means what its body means.
//
//   const Attr attrs[] = {Attr("limit", 7.0)};
//   Tensor y = composite("clipped_glu", attrs, [](const Tensor& x, const Tensor& gate) {
//     return clamp(x, -7, 7) * sigmoid(gate);
//   }, x, gate);
//
// Arguments and result are trees. The name, the attributes and the types must say all that the body does: what else it
// depends on is an argument. A tensor that it captures becomes an operand behind the arguments.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "strata/tensor/transforms/custom.h"

namespace strata {

namespace composite_detail {
std::vector<Tensor> composite_of(std::string_view name, std::span<const ir::Attr> attrs, std::span<const Tensor> inputs,
                                 const trace_detail::TensorFn& body, Source at);
}

template <class Body, class... Args>
auto composite(std::string_view name, std::span<const ir::Attr> attrs, Body&& body, const Args&... args) {
  std::optional<std::remove_cvref_t<decltype(body(args...))>> returned;
  auto record = [&](std::span<const Tensor> inner) {
    std::tuple<Args...> copies{trace_detail::take_from(args, inner)...};
    returned = std::apply(body, copies);
    return trace_detail::tensors_of(*returned);
  };
  const std::vector<Tensor> results =
      composite_detail::composite_of(name, attrs, custom_detail::flat(args...), record, Source::here());
  return trace_detail::with_tensors(std::move(*returned), results);
}

}  // namespace strata
