// Random numbers as functions of a key: nothing is hidden, nothing has an order. A key is u32[2]; derive new ones with
// fold_in and split, never use one twice. Streams are Philox4x32-10 (base/random/philox.h).
#pragma once

#include "strata/base/random/philox.h"
#include "strata/ops/operands/axes.h"

namespace strata::ops {

extern const Op kRngBits, kRngFold;

/// What rng_fold gives for one key and number.
base::PhiloxKey folded_key(base::PhiloxKey key, uint64_t number);

/// u32 of any shape; the element at row-major index i depends on the key and i alone.
Value rng_bits(Value key, const Shape& shape);
/// Another key for each number (integers, any shape): key [2], result [..., 2].
Value fold_in(Value key, Value number);
Value fold_in(Value key, int64_t number);
/// `count` keys: [count, 2].
Value split_key(Value key, Dim count);

/// [0, 1), multiples of 2^-24 (f64: 2^-53).
Value uniform(Value key, const Shape& shape, DType dtype = DType::f32);
/// Standard normal by the inverse distribution function.
Value random_normal(Value key, const Shape& shape, DType dtype = DType::f32);
/// True with probability p.
Value bernoulli(Value key, double p, const Shape& shape);
/// i64 in [lowest, highest), which is at most 2^32 wide.
Value random_integers(Value key, int64_t lowest, int64_t highest, const Shape& shape);
/// A random order of 0..n-1, i64.
Value permutation(Value key, Dim n);
/// Indices along the last axis with probability softmax(logits), by the largest of logits plus Gumbel noise.
Value categorical(Value key, Value logits);

template <Handle V>
V rng_bits(V key, const Shape& shape, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return rng_bits(k, shape); }, key);
}
template <Handle V>
V fold_in(V key, V number, Source at = Source::here()) {
  return lift<V>(at, [](Value k, Value n) { return fold_in(k, n); }, key, number);
}
template <Handle V>
V fold_in(V key, int64_t number, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return fold_in(k, number); }, key);
}
template <Handle V>
V split_key(V key, Dim count, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return split_key(k, count); }, key);
}
template <Handle V>
V uniform(V key, const Shape& shape, DType dtype = DType::f32, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return uniform(k, shape, dtype); }, key);
}
template <Handle V>
V random_normal(V key, const Shape& shape, DType dtype = DType::f32, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return random_normal(k, shape, dtype); }, key);
}
template <Handle V>
V bernoulli(V key, double p, const Shape& shape, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return bernoulli(k, p, shape); }, key);
}
template <Handle V>
V random_integers(V key, int64_t lowest, int64_t highest, const Shape& shape, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return random_integers(k, lowest, highest, shape); }, key);
}
template <Handle V>
V permutation(V key, Dim n, Source at = Source::here()) {
  return lift<V>(at, [&](Value k) { return permutation(k, n); }, key);
}
template <Handle V>
V categorical(V key, V logits, Source at = Source::here()) {
  return lift<V>(at, [](Value k, Value x) { return categorical(k, x); }, key, logits);
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::rng_bits, ops::fold_in, ops::split_key, ops::uniform, ops::random_normal, ops::bernoulli,
    ops::random_integers, ops::permutation, ops::categorical;

}  // namespace strata
