// Short spellings of sample operands for the `samples` facet: f32 unless said, and the attribute lists they need.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "strata/ops/facets/layout.h"

namespace strata::ops {

using Domain = ir::SampleOperand::Domain;

inline ir::SampleOperand operand(DType t, std::initializer_list<Dim> shape, Domain domain = Domain::Normal,
                                 int64_t bound = 4) {
  return {Type::of(t, shape), domain, bound};
}
inline ir::SampleOperand normal(std::initializer_list<Dim> shape) { return operand(DType::f32, shape); }
inline ir::SampleOperand indices(std::initializer_list<Dim> shape, int64_t bound) {
  return operand(DType::i32, shape, Domain::Index, bound);
}

/// The samples, and the first once more for each further dtype of `types`, with the dtype of its first operand
/// replaced by that wherever it stands.
inline std::vector<ir::Sample> in_every_dtype(std::vector<ir::Sample> samples, ir::DTypeSet types = ir::kAnyDType) {
  const ir::Sample pattern = samples.at(0);
  const DType from = pattern.operands.at(0).type.dtype();
  for (DType to : ir::kAllDTypes) {
    if (!types.has(to) ||
        std::ranges::any_of(samples, [&](const ir::Sample& s) { return s.operands[0].type.dtype() == to; }))
      continue;
    ir::Sample& sample = samples.emplace_back(pattern);
    for (ir::SampleOperand& o : sample.operands)
      if (o.type.dtype() == from) o.type = o.type.with_dtype(to);
  }
  return samples;
}

}  // namespace strata::ops
