#include "strata/tensor/random.h"

#include "strata/base/bytes/hash.h"
#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/number_range.h"
#include "strata/ops/random/random.h"
#include "strata/tensor/recording/recording.h"

namespace strata {
namespace {

Tensor key_tensor(const base::PhiloxKey& words) { return Tensor::from(std::span<const uint32_t>(words), {2}); }

/// f on the key as a graph value.
template <class F>
Tensor recorded(Source at, const Key& key, F&& f) {
  const ir::Type type = key.bits.type();
  if (type.dtype() != DType::u32 || type.rank() != 1 || !(type.dim(0) == Dim(2)))
    throw base::Error(base::code::kNotAKey, "a random key is u32[2], found " + type.str())
        .hint("make one with Key(seed) or key.fold_in(...)");
  return ops::lift<Tensor>(at, f, key.bits);
}

/// Half floats are rounded from f32.
DType drawn_dtype(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

}  // namespace

Key::Key(uint64_t seed) : bits(key_tensor(base::philox_key(seed))) {}

Key Key::fold_in(uint64_t data) const {
  if (bits.cell() && bits.cell()->is_concrete() && bits.dtype() == DType::u32 && bits.array().elements() == 2) {
    // On the host: a model has hundreds of keys of eight bytes, which are not worth a program.
    return Key(key_tensor(ops::folded_key({bits.data<uint32_t>()[0], bits.data<uint32_t>()[1]}, data)));
  }
  return Key(recorded(Source::here(), *this, [&](ir::Value k) { return ops::fold_in(k, data); }));
}

Key Key::fold_in(std::string_view text) const { return fold_in(base::hash_text(text).lo); }

Key Key::fold_in(const Tensor& data) const { return Key(ops::fold_in(bits, data)); }

std::vector<Key> Key::split(int count) const {
  base::OptionCheck(base::code::kAttributeValue, "split").integer("count", count, base::Bounds::at_least(0));
  std::vector<Key> keys;
  for (int i = 0; i < count; ++i) keys.push_back(fold_in(i));
  return keys;
}

Tensor random_bits(const Key& key, const Shape& shape, Source at) {
  return recorded(at, key, [&](ir::Value k) { return ops::rng_bits(k, shape); });
}

Tensor uniform(const Key& key, const Shape& shape, double lowest, double highest, DType dtype, Source at) {
  ops::noting_line(user_line(at), [&] {
    ops::require_float_draws("uniform", dtype);
    base::OptionCheck(base::code::kAttributeValue, "uniform")
        .number("lowest", lowest, base::Bounds::finite())
        .number("highest", highest, base::Bounds::at_least(lowest));
  });
  return recorded(at, key, [&](ir::Value k) {
    const ops::Ends ends = ops::ends_within("uniform", lowest, highest, dtype);
    const ir::Value drawn = ops::uniform(k, shape, drawn_dtype(dtype)) * (highest - lowest) + lowest;
    return ops::cast(ops::clamp(drawn, ends.first, ends.last), dtype);
  });
}

Tensor normal(const Key& key, const Shape& shape, double mean, double deviation, DType dtype, Source at) {
  ops::noting_line(user_line(at), [&] {
    ops::require_float_draws("normal", dtype);
    base::OptionCheck(base::code::kAttributeValue, "normal")
        .number("mean", mean, base::Bounds::finite())
        .number("deviation", deviation, base::Bounds::at_least(0));
    ops::require_finite_in("normal", "mean", mean, dtype);
    ops::require_finite_in("normal", "deviation", deviation, dtype);
  });
  return recorded(at, key, [&](ir::Value k) {
    return ops::cast(ops::random_normal(k, shape, drawn_dtype(dtype)) * deviation + mean, dtype);
  });
}

Tensor bernoulli(const Key& key, const Shape& shape, double probability, Source at) {
  ops::noting_line(user_line(at), [&] {
    base::OptionCheck(base::code::kAttributeValue, "bernoulli")
        .number("probability", probability, base::Bounds::between(0, 1));
  });
  return recorded(at, key, [&](ir::Value k) { return ops::bernoulli(k, probability, shape); });
}

Tensor random_integers(const Key& key, const Shape& shape, int64_t lowest, int64_t highest, DType dtype, Source at) {
  return recorded(at, key, [&](ir::Value k) {
    const ir::Value drawn = ops::random_integers(k, lowest, highest, shape);
    ops::require_within("random_integers", lowest, highest - 1, dtype);
    return ops::cast(drawn, dtype);
  });
}

}  // namespace strata
