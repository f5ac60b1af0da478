// Named composites: one node that says "softmax" and carries the body of core ops that it means. A back end may claim
// it by name; for everything else it is its body.
//
//   Value softmax(Value x, int64_t axis) {
//     return as_composite("softmax", {Attr("axis", axis)}, [&](Value v) { return softmax_of(v, axis); }, x);
//   }
//
// The attributes and the operands' types say all that the body does: two composites that agree in them mean the same.
// Half floats compute in f32 and round once: the body gets f32 in their place, and its results are cast to the dtype
// that they would have had (decision 16). So the derivative, which is that of the body, rounds once, too.
//
// A null Value is an operand that is left out: the body gets null in its place, and the attribute `given` lists the
// positions of those that are there. The body is recorded once for all composites that agree; its nodes get the
// position and the name path of the composite in whose place they come.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"

namespace strata::ops {

namespace composite_detail {

using Body = std::function<std::vector<Value>(std::span<const Value>)>;
std::vector<Value> record(std::string_view name, std::span<const Attr> attrs, std::span<const Value> operands,
                          const Body& body);

inline std::vector<Value> listed(Value x) { return {x}; }
template <size_t n>
std::vector<Value> listed(const std::array<Value, n>& xs) {
  return {xs.begin(), xs.end()};
}

}  // namespace composite_detail

/// One node for what `body` makes of the operands. Body: (Value of each operand) -> Value or std::array of Values,
/// which is also what comes back.
template <class Body, class... X>
auto as_composite(std::string_view name, std::span<const Attr> attrs, Body&& body, const X&... operands) {
  const Value list[] = {operands...};
  auto fill = [&](std::span<const Value> inner) {
    return [&]<size_t... i>(std::index_sequence<i...>) {
      return composite_detail::listed(body(inner[i]...));
    }(std::index_sequence_for<X...>());
  };
  const auto results = composite_detail::record(name, attrs, list, fill);
  using Result = decltype(body(operands...));
  if constexpr (std::is_same_v<Result, Value>) {
    return results[0];
  } else {
    Result all;
    std::copy(results.begin(), results.end(), all.begin());
    return all;
  }
}

template <class Body, class... X>
auto as_composite(std::string_view name, std::initializer_list<Attr> attrs, Body&& body, const X&... operands) {
  return as_composite(name, std::span(attrs.begin(), attrs.size()), body, operands...);
}

bool is_composite(const Node& node);
/// The value of the attribute `name`.
std::string_view composite_name(const Node& composite);

/// Appends a node whose operands have images, and maps it.
using PutNode = std::function<void(const Node&, ir::GraphCopier&)>;
/// Has `put` append each node of a composite's body to `to`, and maps the composite to what the body returns.
void append_body(const Node& composite, ir::GraphCopier& outer, Graph& to, const PutNode& put);
/// The same with another body of the same operands and results.
void append_body(const Node& composite, const Graph& body, ir::GraphCopier& outer, Graph& to, const PutNode& put);
/// The same for a node of any kind and through bodies within bodies: `put` sees core ops only.
void append_core(const Node& node, ir::GraphCopier& copier, Graph& to, const PutNode& put);

/// The same program without composites; those within regions stay.
std::unique_ptr<Graph> expand_composites(const Graph& graph);

}  // namespace strata::ops
