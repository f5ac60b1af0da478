// Random numbers as functions of a key: nothing is hidden, nothing has an order. A key is u32[2]; derive new ones with
// fold_in and split, never use one twice. Streams are Philox4x32-10 (base/random/philox.h).
#pragma once

#include "strata/base/random/philox.h"
#include "strata/ops/operands/axes.h"
#include "strata/ops/operands/user_function.h"

namespace strata::ops {

extern const Op kRngBits, kRngFold;

/// What rng_fold gives for one key and number.
base::PhiloxKey folded_key(base::PhiloxKey key, uint64_t number);

/// u32 of any shape; the element at row-major index i depends on the key and i alone.
STRATA_FUNCTION(rng_bits, (key), (const Shape& shape), (shape))
/// Another key for each number (integers, any shape): key [2], result [..., 2].
STRATA_FUNCTION(fold_in, (key, number), (), ())
STRATA_FUNCTION(fold_in, (key), (int64_t number), (number))
/// `count` keys: [count, 2].
STRATA_FUNCTION(split_key, (key), (Dim count), (count))

/// [0, 1), multiples of 2^-24 (f64: 2^-53).
STRATA_FUNCTION(uniform, (key), (const Shape& shape, DType dtype = DType::f32), (shape, dtype))
/// Standard normal by the inverse distribution function.
STRATA_FUNCTION(random_normal, (key), (const Shape& shape, DType dtype = DType::f32), (shape, dtype))
/// True with probability p.
STRATA_FUNCTION(bernoulli, (key), (double p, const Shape& shape), (p, shape))
/// i64 in [lowest, highest), which is at most 2^32 wide.
STRATA_FUNCTION(random_integers, (key), (int64_t lowest, int64_t highest, const Shape& shape), (lowest, highest, shape))
/// A random order of 0..n-1, i64.
STRATA_FUNCTION(permutation, (key), (Dim n), (n))
/// Indices along the last axis with probability softmax(logits), by the largest of logits plus Gumbel noise.
STRATA_FUNCTION(categorical, (key, logits), (), ())

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::rng_bits, ops::fold_in, ops::split_key, ops::uniform, ops::random_normal, ops::bernoulli,
    ops::random_integers, ops::permutation, ops::categorical;

}  // namespace strata
