// counted_range: the op that gives a symbol its value while the program runs.
#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/counted/counted.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kCountedRangeAttrs[] = {
    {"symbol", AttrKind::Dims, "the dimension that operand 0 gives its value, which nothing before names"},
    {"capacity", AttrKind::Dims, "the largest value that it may have"}};

void counted_range_infer(ir::Infer& i) {
  const auto symbol = i.attrs.dims("symbol"), capacity = i.attrs.dims("capacity");
  if (symbol.size() != 1 || !symbol[0].symbol_name())
    i.fail(base::code::kAttributeValue, "symbol is one name of a dimension");
  if (capacity.size() != 1) i.fail(base::code::kAttributeValue, "capacity is one dimension");
  if (capacity[0].is_constant() && capacity[0].constant() < 0)
    i.fail(base::code::kAttributeValue, fmt::format("the capacity is {}, which is below 0", capacity[0].constant()));
  if (i.type(0).rank() != 0) i.fail(base::code::kOperandShapes, "takes a scalar, found " + i.type(0).str());
  i.result(Type::of(DType::i64, symbol));
}

void counted_range_reference(ir::Reference& r) {
  for (int64_t k = 0; k < r.results[0].elements(); ++k) r.results[0].set_int(k, k);
}

std::vector<ir::Sample> counted_range_samples() {
  static const Dim symbol[] = {Dim::symbol("N")}, seven[] = {7};
  return {{{{Type::scalar(DType::i64), ir::SampleOperand::Domain::Index, 8}},
           {Attr("symbol", std::span<const Dim>(symbol)), Attr("capacity", std::span<const Dim>(seven))}}};
}

}  // namespace

constinit const Op kCountedRange = {
    .name = "counted_range",
    .family = "counted",
    .doc =
        "0, 1, ..., n - 1 for a scalar n that is data: the dimension `symbol` has the value n from here on, in every "
        "shape that names it. n is in [0, capacity], or the run fails (E0146). Memory is laid out for the capacity, "
        "and "
        "what follows works on n elements.",
    .attrs = kCountedRangeAttrs,
    .types = ir::only(DType::i64),
    .infer = counted_range_infer,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = refuse("each example of a batch would have a count of its own, and an array has one extent for all"),
    .lower = refuse("is a command of the plan, which asks anew for the sizes of all that follows"),
    .reference = counted_range_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return ir::Cost{0, n.type().bytes()}; },
    .samples = counted_range_samples,
    .counts = true,
    .effect = ir::Effect::Ordered,
};

Value counted_range(Value n, Dim capacity) {
  Graph& graph = n.graph();
  if (!ir::is_int(n.dtype()))
    throw base::Error(base::code::kOperandTypes, "counted_range: takes an integer, found " + n.type().str());
  n = cast(n, DType::i64);
  const base::Hash128 key = base::combine(
      base::combine(base::combine(base::hash_text("counted_range"), n.node->hash), n.index), capacity.hash());
  if (const Value known = graph.find_shared(key)) return known;
  const Dim symbol[] = {Dim::symbol(ir::fresh_count_name(graph))}, bound[] = {capacity};
  const Attr attrs[] = {Attr("symbol", std::span<const Dim>(symbol)), Attr("capacity", std::span<const Dim>(bound))};
  const Value range = graph.add(kCountedRange, {&n, 1}, attrs)->result();
  graph.share(key, range);
  return range;
}

}  // namespace strata::ops
