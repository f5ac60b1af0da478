#include "strata/ops/shape/dimension.h"

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kDimensionAttrs[] = {{"value", AttrKind::Dims, "one dimension polynomial"}};

void dimension_infer(ir::Infer& i) {
  if (i.attrs.dims("value").size() != 1) i.fail(base::code::kAttributeValue, "takes one dimension");
  i.result(Type::scalar(DType::i64));
}

std::vector<ir::Sample> dimension_samples() {
  static const Dim seven[] = {7};
  return {{{}, {Attr("value", std::span<const Dim>(seven))}}};
}

}  // namespace

constinit const Op kDimension = {
    .name = "dimension",
    .family = "creation",
    .doc = "The value of a symbolic dimension, or of a polynomial of dimensions, at run time, as an i64 scalar.",
    .operands_min = 0,
    .operands_max = 0,
    .attrs = kDimensionAttrs,
    .types = ir::only(DType::i64),
    .infer = dimension_infer,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = refuse("has no operands that could be batched"),
    .lower =
        [](ir::Lowering& l) {
          l.element(0, [&l](std::span<const Expr>) { return l.context.dim(l.node.attrs.dims("value")[0]); });
        },
    .reference = [](ir::Reference& r) { r.results[0].set_int(0, r.dim(r.node.attrs.dims("value")[0])); },
    .tolerance = exact(),
    .cost = [](const Node&) { return ir::Cost{0, 8}; },
    .samples = dimension_samples,
};

Value dimension(Graph& graph, Dim d) {
  const Dim value[] = {d};
  const Attr attrs[] = {Attr("value", std::span<const Dim>(value))};
  return graph.add(kDimension, {}, attrs)->result();
}

}  // namespace strata::ops
