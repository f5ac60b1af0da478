// Broadcasting and literals: how two operands come to one shape and dtype before an op sees them.
//
// In the graph the operands of a binary op have equal types; the functions here put `broadcast` nodes where shapes
// differ, by NumPy's rule (axes align at the end; an axis of extent 1 stretches). A symbolic extent matches only itself
// and 1. Between tensors no dtype is promoted; an untyped literal takes the dtype of the tensor beside it.
#pragma once

#include <concepts>

#include "strata/ops/operands/handle.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kBroadcast;

/// A number in the user's source. Integers keep all 64 bits.
struct Literal {
  double real = 0;
  int64_t integer = 0;
  bool is_integer = false;

  Literal() = default;
  template <std::integral T>
  Literal(T value) : real(static_cast<double>(value)), integer(static_cast<int64_t>(value)), is_integer(true) {}
  template <std::floating_point T>
  Literal(T value) : real(static_cast<double>(value)) {}
};

/// A handle or a literal, with the line of the expression it stands in: what binary operators take.
template <class V>
struct Operand {
  const V* handle = nullptr;  ///< null: the literal
  Literal literal;
  Source at;
  Operand(const V& x, Source at = Source::here()) : handle(&x), at(at) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T value, Source at = Source::here()) : literal(value), at(at) {}
};

/// x with axis i moved to axis axes[i] (ascending) of a result of shape `dims`; axes of extent 1 stretch, the others
/// are new.
Value broadcast(Value x, std::span<const Dim> dims, std::span<const int64_t> axes);
/// NumPy's broadcast_to: axes align at the end. Returns x itself if it has the shape.
Value broadcast_to(Value x, std::span<const Dim> dims);
/// The shape that both broadcast to (E0101 when there is none).
Shape broadcast_shape(std::string_view op, Value x, Value y);
/// Both at one shape; the common case of equal types costs one comparison.
void broadcast_together(std::string_view op, Value& x, Value& y);

/// A literal array as a node.
Value constant(Graph& graph, const HostArray& value);
/// A rank-0 constant; refuses a literal that the dtype can't hold exactly enough: 0.5 for an integer (E0135).
Value scalar(Graph& graph, DType dtype, Literal value);
/// Every element `value`.
Value full(Graph& graph, Type type, Literal value);
/// A rank-0 constant of the dtype (and in the graph) of `like`.
Value scalar_like(Value like, Literal value);
/// A constant of the type of `like`.
Value constant_like(Value like, Literal value);
STRATA_FUNCTION(zeros_like, (x), (), ())
STRATA_FUNCTION(ones_like, (x), (), ())

/// Records a binary op after broadcasting.
Value binary_of(const Op& op, Value x, Value y);
Value binary_of(const Op& op, Value x, Literal y);
Value binary_of(const Op& op, Literal x, Value y);

template <Handle V>
V binary(Source at, const Op& op, const Operand<V>& x, const Operand<V>& y) {
  typename HandleTraits<V>::Recording recording(at, x.handle ? x.handle : y.handle);
  return noting_line_of(recording, [&] {
    auto enter = [&](const Operand<V>& o) { return HandleTraits<V>::enter(recording, *o.handle); };
    const Value result = !x.handle   ? binary_of(op, x.literal, enter(y))
                         : !y.handle ? binary_of(op, enter(x), y.literal)
                                     : binary_of(op, enter(x), enter(y));
    return HandleTraits<V>::leave(recording, result);
  });
}

template <Handle V>
V broadcast_to(V x, const Shape& dims, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return broadcast_to(v, std::span<const Dim>(dims)); }, x);
}
template <Handle V>
V full_like(V x, Literal value, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return constant_like(v, value); }, x);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::broadcast_to, ops::zeros_like, ops::ones_like, ops::full_like;

}  // namespace strata
