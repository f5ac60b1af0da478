// Ops that make values from nothing, and the marks: nodes whose result is their operand but which tell a transform or
// the compiler something, or have an effect.
#pragma once

#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/handle.h"

namespace strata::ops {

extern const Op kConstant, kIota;                         // creation.cpp; kBroadcast: broadcast.cpp
extern const Op kStopGradient, kBarrier, kPrint, kCheck;  // marks.cpp

/// 0, 1, 2, ... along `axis`, equal along the others; in `type`'s dtype (floats: the nearest).
Value iota(Graph& graph, Type type, int64_t axis);
/// The same for a value that only gives the shape.
Value iota_like(Value like, DType dtype, int64_t axis);

Value stop_gradient(Value x);
/// The operands again, in an order that no pass moves computations across: keeps a rematerialised chain from being
/// merged with the original.
std::vector<Value> barrier(std::span<const Value> xs);
/// Writes the label and the value when the program runs, in program order.
void print(Value x, std::string_view label);
/// Every element of `condition` (bool) must be true, or the run fails with `message` (E0136).
void check(Value condition, std::string_view message);

template <Handle V>
V stop_gradient(V x, Source at = Source::here()) {
  return call<V>(at, kStopGradient, {x});
}
template <Handle V>
V print(V x, std::string_view label, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return print(v, label), v; }, x);
}
template <Handle V>
V check(V condition, std::string_view message, Source at = Source::here()) {
  return lift<V>(at, [&](Value c) { return check(c, message), c; }, condition);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::stop_gradient, ops::check;

}  // namespace strata
