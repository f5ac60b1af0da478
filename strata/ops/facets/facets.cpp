#include "strata/ops/facets/facets.h"

namespace strata::ops {

void infer_same(ir::Infer& infer) {
  if (infer.count() > 1) {
    infer.same_dtype();
    infer.same_shape();
  }
  infer.result(infer.type(0));
}

void infer_bool(ir::Infer& infer) {
  if (infer.count() > 1) {
    infer.same_dtype();
    infer.same_shape();
  }
  infer.result(infer.type(0).with_dtype(DType::boolean));
}

void zero_tangent(ir::Jvp&) {}

void vmap_pointwise(ir::Vmap& vmap) {
  std::vector<Value> operands;
  for (uint32_t i = 0; i < vmap.node.operand_count; ++i) operands.push_back(vmap.batched(i));
  const Node* batched = vmap.graph.add(*vmap.node.op, operands, vmap.node.attrs.all());
  for (uint32_t i = 0; i < batched->result_count; ++i) vmap.set(i, batched->result(i));
}

std::vector<ir::Sample> pointwise_samples(int count, ir::DTypeSet types, Domain domain) {
  std::vector<ir::Sample> all;
  auto add = [&](DType t, std::initializer_list<Dim> shape, Domain d) {
    ir::Sample sample;
    for (int i = 0; i < count; ++i) sample.operands.push_back({Type::of(t, shape), d});
    all.push_back(std::move(sample));
  };
  bool first = true;
  for (DType t : ir::kAllDTypes) {
    if (!types.has(t)) continue;
    add(t, {3, 5}, domain);
    add(t, {67}, Domain::Special);
    if (!first) continue;
    add(t, {}, domain);
    add(t, {0, 4}, domain);
    first = false;
  }
  return all;
}

}  // namespace strata::ops
