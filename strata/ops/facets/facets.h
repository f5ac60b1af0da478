// Rules that many blocks share: the facets of pointwise ops, made from one captureless lambda each.
//
//   .lower     = lower_pointwise<[](Scalar x) { return tanh(x); }>
//   .reference = reference_float<[](double x) { return std::tanh(x); }>
#pragma once

#include <utility>
#include <vector>

#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/scalar/scalar.h"

namespace strata::ops {

using Domain = ir::SampleOperand::Domain;
using ir::exact;
using ir::refuse;
using ir::ulp;

// ---- type rules

/// All operands and the result have one type.
void infer_same(ir::Infer& infer);
/// All operands have one type; the result is bool of their shape.
void infer_bool(ir::Infer& infer);

// ---- derivatives and batching

/// Constant almost everywhere: the tangent is zero, also where it jumps.
void zero_tangent(ir::Jvp& jvp);
/// The op over a batch axis in front of all its operands.
void vmap_pointwise(ir::Vmap& vmap);
inline constexpr refuse kNotLinear("not linear in its operands");
inline constexpr refuse kNoDerivative("takes integers or bool, which have no tangents");

// ---- lowering

namespace detail {
template <class F, size_t... i>
Scalar apply_scalars(F f, ir::Lowering& lowering, std::span<const Expr> index, std::index_sequence<i...>) {
  return f(load_scalar(lowering, static_cast<int>(i), index)...);
}
template <class F>
constexpr size_t scalar_arity() {
  if constexpr (std::is_invocable_v<F, Scalar>)
    return 1;
  else if constexpr (std::is_invocable_v<F, Scalar, Scalar>)
    return 2;
  else
    return 3;
}
}  // namespace detail

/// result[i...] = f(operands at i...), computed in f32 for half floats.
template <auto f>
void lower_pointwise(ir::Lowering& lowering) {
  lowering.element(0, [&lowering](std::span<const Expr> index) {
    constexpr size_t arity = detail::scalar_arity<decltype(f)>();
    return finish_scalar(lowering, detail::apply_scalars(f, lowering, index, std::make_index_sequence<arity>()));
  });
}

// ---- reference

/// Applies a function of f64 to each element and rounds once.
template <auto f>
void reference_float(ir::Reference& r) {
  const int64_t n = r.results[0].elements();
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_invocable_v<decltype(f), double>)
      r.results[0].set(i, f(r.operands[0].get(i)));
    else
      r.results[0].set(i, f(r.operands[0].get(i), r.operands[1].get(i)));
  }
}

/// Applies a generic function: on double for floats, on the integer type itself for integers, on bool for bool.
template <auto f>
void reference_number(ir::Reference& r) {
  ir::visit_dtype(r.operands[0].dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto element = [&](int operand, int64_t i) {
      if constexpr (std::is_integral_v<T>)
        return r.operands[operand].as<T>()[i];
      else
        return static_cast<double>(r.operands[operand].as<T>()[i]);
    };
    auto value = [&](int64_t i) {
      using C = decltype(element(0, 0));
      if constexpr (std::is_invocable_v<decltype(f), C>)
        return f(element(0, i));
      else
        return f(element(0, i), element(1, i));
    };
    HostArray& out = r.results[0];
    for (int64_t i = 0, n = out.elements(); i < n; ++i) {
      if constexpr (std::is_integral_v<decltype(value(0))>)
        out.set_int(i, static_cast<int64_t>(value(i)));
      else
        out.set(i, value(i));
    }
  });
}

// ---- samples

/// One sample per dtype in `types`, and a scalar, an empty array and special values, of `count` operands in `domain`.
std::vector<ir::Sample> pointwise_samples(int count, ir::DTypeSet types, Domain domain);
template <int count, ir::DTypeSet types, Domain domain = Domain::Normal>
std::vector<ir::Sample> samples() {
  return pointwise_samples(count, types, domain);
}

}  // namespace strata::ops
