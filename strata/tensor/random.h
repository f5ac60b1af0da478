// Random numbers with explicit keys: the same key gives the same numbers, wherever and in whatever order they are
// drawn.
//
//   const Key key{7};
//   Tensor w = uniform(key.fold_in("hidden.weight"), {128, 784}, -0.1, 0.1);
//   auto [a, b] = std::pair(key.fold_in(0), key.fold_in(1));
//
// A key is a u32[2] tensor, so it can be an argument of a jitted function: another key does not record again. Draw from
// a key once; for more numbers make new keys with fold_in or split.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "strata/tensor/tree/tree.h"

namespace strata {

struct Key {
  Tensor bits;  ///< u32[2]
  STRATA_FIELDS(bits)

  Key() : Key(0) {}
  explicit Key(uint64_t seed);
  explicit Key(Tensor bits) : bits(std::move(bits)) {}

  /// Another key for each number or text (ops/random/random.h).
  Key fold_in(uint64_t data) const;
  Key fold_in(std::string_view text) const;
  /// The same with a number that the program computes (an integer scalar): a step, a row.
  Key fold_in(const Tensor& data) const;
  std::vector<Key> split(int count) const;
};

/// u32 bits; the element at row-major index i depends on the key and i alone.
Tensor random_bits(const Key& key, const Shape& shape, Source at = Source::here());
/// Floats (E0100) in [lowest, highest), of which there must be a number of the dtype, which must hold both ends (E0140;
/// `lowest` itself where both are equal): 24 random bits in f32, 53 in f64; half floats round the f32 number, to the
/// last one before `highest` at most. A symbolic dimension is allowed.
Tensor uniform(const Key& key, const Shape& shape, double lowest = 0, double highest = 1, DType dtype = DType::f32,
               Source at = Source::here());
/// By inverse CDF: floats (E0100), which hold mean and deviation (E0140).
Tensor normal(const Key& key, const Shape& shape, double mean = 0, double deviation = 1, DType dtype = DType::f32,
              Source at = Source::here());
/// Bool: true with this probability.
Tensor bernoulli(const Key& key, const Shape& shape, double probability, Source at = Source::here());
/// Integers in [lowest, highest), which is at most 2^32 wide and within the dtype, a float's whole numbers included
/// (E0140).
Tensor random_integers(const Key& key, const Shape& shape, int64_t lowest, int64_t highest, DType dtype = DType::i32,
                       Source at = Source::here());

}  // namespace strata
