// Short spellings of sample operands for the `samples` facet: f32 unless said, and the attribute lists they need.
#pragma once

#include <initializer_list>

#include "strata/ops/layout.h"

namespace strata::ops {

using Domain = ir::SampleOperand::Domain;

inline ir::SampleOperand operand(DType t, std::initializer_list<Dim> shape, Domain domain = Domain::Normal,
                                 int64_t bound = 4) {
  return {Type::of(t, shape), domain, bound};
}
inline ir::SampleOperand normal(std::initializer_list<Dim> shape) { return operand(DType::f32, shape); }
inline ir::SampleOperand exact_numbers(std::initializer_list<Dim> shape) {
  return operand(DType::f32, shape, Domain::Exact);
}
inline ir::SampleOperand indices(std::initializer_list<Dim> shape, int64_t bound) {
  return operand(DType::i32, shape, Domain::Index, bound);
}

}  // namespace strata::ops
