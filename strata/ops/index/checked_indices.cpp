// checked_indices: positions as they are, unless one is out of range. What an update checks, it checks by this node
// before it writes.
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/facets/status.h"
#include "strata/ops/index/gather_layout.h"
#include "strata/ops/reduce/fold.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kCheckedAttrs[] = {
    {"axes", AttrKind::Ints, "axes that a position names, for the message"},
    {"extents", AttrKind::Dims, "their extents"},
    {"asker", AttrKind::Text, "the function in whose words an index out of range is refused"}};

void checked_infer(ir::Infer& i) {
  const Type indices = i.type(0);
  const int64_t count = i.attrs.dims("extents").size();
  if (!ir::is_int(indices.dtype())) i.fail(base::code::kOperandTypes, "indices are integers, found " + indices.str());
  if (indices.rank() < 1 || !(indices.dim(-1) == Dim(count)) || std::ssize(i.attrs.ints("axes")) != count)
    i.fail(base::code::kOperandShapes, "the last axis of the indices " + indices.str() +
                                           " should have an entry for each of " + std::to_string(count) + " extents");
  i.result(indices);
}

/// Unsigned numbers beyond the signed range look negative, and are out of range either way.
Expr is_inside(ir::loops::LoopContext& c, Expr stored, Dim extent) {
  const IndexMath m{c};
  const Expr position = c.cast(DType::i64, stored);
  return m.both(m.le(m.num(0), position), m.lt(position, m.at(extent)));
}

StmtList checked_loops(ir::Lowering& l) {
  ir::loops::LoopContext& c = l.context;
  const Type indices = l.node.type();
  const auto extents = l.node.attrs.dims("extents");
  const auto rows = indices.shape().subspan(0, indices.rank() - 1);
  return parallel_over(c, rows, [&](std::span<const Expr> at) {
    StmtList body;
    for (size_t k = 0; k < extents.size(); ++k) {
      std::vector<Expr> index(at.begin(), at.end());
      index.push_back(c.i64(k));
      const Expr stored = c.load(l.operand_buffer(0), index);
      body.push_back(
          ir::loops::make_check(is_inside(c, stored, extents[k]), kStatusIndexOutOfRange, c.cast(DType::i64, stored)));
      body.push_back(ir::loops::make_store(l.result_buffer(0), index, stored));
    }
    return body;
  });
}

void checked_reference(ir::Reference& r) {
  const HostArray& indices = r.operands[0];
  const auto axes = r.node.attrs.ints("axes");
  const Ints extents = run_time(r, r.node.attrs.dims("extents"));
  for (int64_t i = 0; i < indices.elements(); ++i) {
    const int64_t k = i % std::ssize(extents);
    if (const int64_t at = indices.get_int(i); at < 0 || at >= extents[k])
      refuse_index(r.node, r.node.attrs.text("asker"), indices, i / std::ssize(extents), {at, axes[k], extents[k]});
    copy_element(r.results[0], i, indices, i);
  }
}

std::vector<ir::Sample> checked_samples() {
  static const int64_t first[] = {0}, both[] = {0, 2};
  static const Dim seven[] = {7}, two[] = {9, 67};
  auto attrs = [](std::span<const int64_t> axes, std::span<const Dim> extents) {
    return std::vector<Attr>{Attr("axes", axes), Attr("extents", extents), Attr("asker", "scatter")};
  };
  return in_every_dtype({{{indices({11, 1}, 7)}, attrs(first, seven)},
                         {{indices({1}, 7)}, attrs(first, seven)},
                         {{indices({5, 3, 2}, 9)}, attrs(both, two)},
                         {{indices({0, 1}, 7)}, attrs(first, seven)}},
                        ir::kInts);
}

}  // namespace

constinit const Op kCheckedIndices = {
    .name = "checked_indices",
    .family = "index",
    .doc =
        "The positions of operand 0 [i..., n], each below the one of the n `extents` that it is for and not negative; "
        "any other is an error (E0118). What is updated at checked positions is written after all are checked.",
    .attrs = kCheckedAttrs,
    .types = ir::kInts,
    .infer = checked_infer,
    .jvp = kNoDerivative,
    .transpose = kNoDerivative,
    .vmap =
        [](ir::Vmap& v) {
          const ir::Attrs& a = v.node.attrs;
          const auto axes = a.ints("axes");
          const auto extents = a.dims("extents");
          v.set(checked_indices(a.text("asker"), v.operand(0), {axes.begin(), axes.end()},
                                {extents.begin(), extents.end()}));
        },
    .lower = [](ir::Lowering& l) { l.loops({[&l] { return checked_loops(l); }}); },
    .reference = checked_reference,
    .tolerance = exact(),
    .cost = move_cost,
    .samples = checked_samples,
};

Value checked_indices(std::string_view asker, Value indices, const Ints& axes, const Shape& extents) {
  return indices.graph().add1(
      kCheckedIndices, {indices},
      {Attr("axes", ints_span(axes)), Attr("extents", dims_span(extents)), Attr("asker", asker)});
}

}  // namespace strata::ops
