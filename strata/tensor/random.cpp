// Philox4x32-10 as a program of elementwise ops. A block is four words; the counter's words are
//
//   | 0: index low | 1: index high | 2: 0 | 3: purpose |        purpose: drawing 0, fold_in 1
//
// so that a key that is drawn from and its children never share a block.
#include "strata/tensor/random.h"

#include <array>
#include <cmath>
#include <optional>

#include "strata/base/bytes/hash.h"
#include "strata/base/error/error.h"
#include "strata/ops/creation.h"
#include "strata/ops/elementwise.h"
#include "strata/ops/shape.h"
#include "strata/tensor/philox.h"
#include "strata/tensor/recording.h"

namespace strata {
namespace {

using ir::Graph;
using ir::Value;

constexpr uint32_t kDraw = 0, kFold = 1;

using Words = std::array<Value, 4>;

/// The product of 32-bit words as (high, low).
std::pair<Value, Value> wide_product(Value x, uint32_t factor) {
  const Value product = ops::cast(x, DType::u64) * static_cast<uint64_t>(factor);
  return {ops::cast(ops::shift_right_logical(product, 32), DType::u32), ops::cast(product, DType::u32)};
}

/// One block for each element of the counter words (all of one shape); `key` is u32[2].
Words philox_of(Words counter, Value key) {
  auto part = [&](int64_t i) { return ops::squeeze(ops::slice_axis(key, 0, {.first = i, .limit = Dim(i + 1)}), 0); };
  Value k0 = part(0), k1 = part(1);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const auto [a_high, a_low] = wide_product(counter[0], kPhiloxMultiplier[0]);
    const auto [b_high, b_low] = wide_product(counter[2], kPhiloxMultiplier[1]);
    counter = {b_high ^ counter[1] ^ k0, b_low, a_high ^ counter[3] ^ k1, a_low};
    k0 = k0 + kPhiloxWeyl[0];
    k1 = k1 + kPhiloxWeyl[1];
  }
  return counter;
}

Value bits_of(Graph& graph, Value key, const Shape& shape) {
  const Dim count = ir::product(shape), blocks = ceil_div(count, 4);
  const Value index = ops::iota(graph, ir::Type::of(DType::u64, {blocks}), 0);
  const Value low = ops::cast(index, DType::u32), high = ops::cast(ops::shift_right_logical(index, 32), DType::u32);
  const Words words = philox_of({low, high, ops::zeros_like(low), ops::constant_like(low, kDraw)}, key);
  const Value flat = ops::reshape(ops::stack({words.begin(), words.end()}, 1), {blocks * 4});
  return ops::reshape(ops::slice_axis(flat, 0, {.limit = count}), shape);
}

/// In [0, 1), or, `is_open`, in (0, 1).
Value unit_interval(Graph& graph, Value key, const Shape& shape, DType dtype, bool is_open) {
  const double half = is_open ? 0.5 : 0;
  if (dtype != DType::f64)
    return (ops::cast(ops::shift_right_logical(bits_of(graph, key, shape), 8), DType::f32) + half) * 0x1p-24;
  Shape doubled = shape;
  doubled.push_back(2);
  const Value words = ops::cast(bits_of(graph, key, doubled), DType::u64);
  auto word = [&](int64_t i) {
    return ops::squeeze(ops::slice_axis(words, -1, {.first = i, .limit = Dim(i + 1)}), -1);
  };
  const Value bits = ops::shift_right_logical(ops::shift_left(word(0), 32) + word(1), 11);
  return (ops::cast(bits, DType::f64) + half) * 0x1p-53;
}

/// Runs f(graph, key bits) in the thread's recording.
template <class F>
Tensor recorded(Source at, const Key& key, F&& f) {
  HandleTraits<Tensor>::Recording recording(at, nullptr);
  const Value bits = HandleTraits<Tensor>::enter(recording, key.bits);
  if (bits.dtype() != DType::u32 || bits.rank() != 1 || !(bits.type().dim(0) == Dim(2)))
    throw base::Error("E0506", "a random key is u32[2], found " + bits.type().str())
        .hint("make one with Key(seed) or key.fold_in(...)");
  return HandleTraits<Tensor>::leave(recording, f(recording.graph(), bits));
}

Tensor key_tensor(uint32_t a, uint32_t b) {
  const uint32_t words[] = {a, b};
  return Tensor::from(std::span<const uint32_t>(words), {2});
}

Value number(Graph& graph, uint32_t value) { return ops::scalar(graph, DType::u32, value); }

}  // namespace

Key::Key(uint64_t seed) : bits(key_tensor(static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32))) {}

Key Key::fold_in(uint64_t data) const {
  const uint32_t low = static_cast<uint32_t>(data), high = static_cast<uint32_t>(data >> 32);
  if (bits.cell() && bits.cell()->is_concrete() && bits.dtype() == DType::u32 && bits.array().elements() == 2) {
    // On the host: a model has hundreds of keys of eight bytes, which are not worth a program.
    const auto words = philox({low, high, 0, kFold}, {bits.data<uint32_t>()[0], bits.data<uint32_t>()[1]});
    return Key(key_tensor(words[0], words[1]));
  }
  return Key(recorded(Source::here(), *this, [&](Graph& graph, Value key) {
    const Words words =
        philox_of({number(graph, low), number(graph, high), number(graph, 0), number(graph, kFold)}, key);
    return ops::stack({words[0], words[1]}, 0);
  }));
}

Key Key::fold_in(std::string_view text) const { return fold_in(base::hash_text(text).lo); }

Key Key::fold_in(const Tensor& data) const {
  return Key(recorded(Source::here(), *this, [&](Graph& graph, Value key) {
    const Value wide = ops::cast(Recording::current().enter(data), DType::u64);
    const Value low = ops::cast(wide, DType::u32), high = ops::cast(ops::shift_right_logical(wide, 32), DType::u32);
    const Words words = philox_of({low, high, number(graph, 0), number(graph, kFold)}, key);
    return ops::stack({words[0], words[1]}, 0);
  }));
}

std::vector<Key> Key::split(int count) const {
  std::vector<Key> keys;
  for (int i = 0; i < count; ++i) keys.push_back(fold_in(static_cast<uint64_t>(i)));
  return keys;
}

Tensor random_bits(const Key& key, const Shape& shape, Source at) {
  return recorded(at, key, [&](Graph& graph, Value k) { return bits_of(graph, k, shape); });
}

Tensor uniform(const Key& key, const Shape& shape, double lowest, double highest, DType dtype, Source at) {
  return recorded(at, key, [&](Graph& graph, Value k) {
    return ops::cast(unit_interval(graph, k, shape, dtype, false) * (highest - lowest) + lowest, dtype);
  });
}

Tensor normal(const Key& key, const Shape& shape, double mean, double deviation, DType dtype, Source at) {
  return recorded(at, key, [&](Graph& graph, Value k) {
    const Value u = unit_interval(graph, k, shape, dtype, true);
    return ops::cast(ops::erf_inv(u * 2.0 - 1.0) * (std::sqrt(2.0) * deviation) + mean, dtype);
  });
}

Tensor bernoulli(const Key& key, const Shape& shape, double probability, Source at) {
  return recorded(
      at, key, [&](Graph& graph, Value k) { return unit_interval(graph, k, shape, DType::f32, false) < probability; });
}

Tensor random_integers(const Key& key, const Shape& shape, int64_t lowest, int64_t highest, DType dtype, Source at) {
  if (highest <= lowest || highest - lowest > (int64_t{1} << 32))
    throw base::Error("E0507", "random_integers: the range [" + std::to_string(lowest) + ", " +
                                   std::to_string(highest) + ") is empty or wider than 2^32");
  return recorded(at, key, [&](Graph& graph, Value k) {
    const Value bits = ops::cast(bits_of(graph, k, shape), DType::i64);
    return ops::cast(bits % (highest - lowest) + lowest, dtype);
  });
}

}  // namespace strata
