// Sorting along an axis, and the k largest.
#pragma once

#include <utility>

#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kSort, kTopK;

enum class Order : uint8_t { Ascending, Descending };

/// Sorts all operands (of one shape) along `axis` by the first; stable; NaN last in either order.
std::vector<Value> sort(const std::vector<Value>& operands, int64_t axis, Order order = Order::Ascending);
STRATA_FUNCTION(sort, (x), (int64_t axis, Order order = Order::Ascending), (axis, order))
/// i64 positions that sort x.
STRATA_FUNCTION(argsort, (x), (int64_t axis, Order order = Order::Ascending), (axis, order))
/// The k largest along the last axis, largest first, and their positions (i64); the first of equals first; NaN last.
std::pair<Value, Value> top_k(Value x, int64_t k);

template <Handle V>
std::pair<V, V> top_k(V x, int64_t k, Source at = Source::here()) {
  return lift<V>(at, [&](Value v) { return top_k(v, k); }, x);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Order, ops::sort, ops::argsort, ops::top_k;

}  // namespace strata
