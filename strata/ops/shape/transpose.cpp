// transpose and reverse: permuting axes and running them backwards.
#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kTransposeAttrs[] = {
    {"perm", AttrKind::Ints, "axis i of the result is axis perm[i] of the operand"}};
constexpr AttrSpec kReverseAttrs[] = {{"axes", AttrKind::Ints, "axes that run backwards"}};

void transpose_infer(ir::Infer& i) {
  const auto perm = i.attrs.ints("perm");
  const Type x = i.type(0);
  if (std::ssize(perm) != x.rank())
    i.fail(base::code::kAxis, fmt::format("the permutation has {} axes, {} has {}", perm.size(), x.str(), x.rank()));
  require_axes(i, "perm", x.rank());
  Shape shape;
  for (int64_t p : perm) shape.push_back(x.dim(p));
  i.result(x.with_shape(shape));
}

Ints perm_of(const Node& node) {
  const auto perm = node.attrs.ints("perm");
  return {perm.begin(), perm.end()};
}

void transpose_jvp(ir::Jvp& j) { j.set(transpose(j.tangent(0), perm_of(j.node))); }
void transpose_transpose(ir::Transpose& t) { t.set(0, transpose(t.cotangent(), inverse_permutation(perm_of(t.node)))); }
void transpose_vmap(ir::Vmap& v) {
  const Ints inner = shifted(perm_of(v.node));
  v.set(transpose(v.operand(0), prepend(int64_t{0}, ints_span(inner))));
}

void transpose_lower(ir::Lowering& l) {
  l.element(0, [&l, inverse = inverse_permutation(perm_of(l.node))](std::span<const Expr> index) {
    std::vector<Expr> from;
    for (int64_t p : inverse) from.push_back(index[p]);
    return l.operand(0, from);
  });
}

void transpose_reference(ir::Reference& r) {
  const Ints inverse = inverse_permutation(perm_of(r.node)), strides = row_strides(r.operands[0].shape());
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& index) {
    int64_t from = 0;
    for (size_t a = 0; a < inverse.size(); ++a) from += index[inverse[a]] * strides[a];
    copy_element(r.results[0], to++, r.operands[0], from);
  });
}

std::vector<ir::Sample> transpose_samples() {
  static const int64_t swap[] = {1, 0}, turn[] = {2, 0, 1}, none[] = {0};
  const Attr perm2("perm", std::span<const int64_t>(swap)), perm3("perm", std::span<const int64_t>(turn));
  return in_every_dtype({{{normal({3, 5})}, {perm2}},
                         {{normal({2, 7, 5})}, {perm3}},
                         {{normal({0, 3})}, {perm2}},
                         {{operand(DType::i32, {3, 1})}, {perm2}},
                         {{normal({})}, {Attr("perm", std::span<const int64_t>(none, size_t{0}))}}});
}

void reverse_infer(ir::Infer& i) {
  require_axes(i, "axes", i.type(0).rank());
  i.result(i.type(0));
}

Ints reversed_axes(const Node& node) {
  const auto axes = node.attrs.ints("axes");
  return {axes.begin(), axes.end()};
}

void reverse_jvp(ir::Jvp& j) { j.set(reverse(j.tangent(0), reversed_axes(j.node))); }
void reverse_transpose(ir::Transpose& t) { t.set(0, reverse(t.cotangent(), reversed_axes(t.node))); }
void reverse_vmap(ir::Vmap& v) { v.set(reverse(v.operand(0), shifted(reversed_axes(v.node)))); }

void reverse_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    const IndexMath m{l.context};
    std::vector<Expr> from(index.begin(), index.end());
    for (int64_t a : l.node.attrs.ints("axes")) from[a] = m.sub(m.at(l.node.type().dim(a) - 1), index[a]);
    return l.operand(0, from);
  });
}

void reverse_reference(ir::Reference& r) {
  const auto& shape = r.results[0].shape();
  const Ints strides = row_strides(shape);
  int64_t to = 0;
  for_each_index(shape, [&](const Ints& index) {
    Ints from = index;
    for (int64_t a : r.node.attrs.ints("axes")) from[a] = shape[a] - 1 - index[a];
    copy_element(r.results[0], to++, r.operands[0], offset_of(from, strides));
  });
}

std::vector<ir::Sample> reverse_samples() {
  static const int64_t last[] = {1}, both[] = {0, 1};
  return in_every_dtype({{{normal({3, 5})}, {Attr("axes", std::span<const int64_t>(last))}},
                         {{operand(DType::i32, {7, 2})}, {Attr("axes", std::span<const int64_t>(both))}},
                         {{normal({0, 1})}, {Attr("axes", std::span<const int64_t>(both))}}});
}

}  // namespace

constinit const Op kTranspose = {
    .name = "transpose",
    .family = "shape",
    .doc = "Permutes the axes: result[i0, i1, ...] has axis i of the result from axis perm[i] of the operand.",
    .attrs = kTransposeAttrs,
    .infer = transpose_infer,
    .jvp = transpose_jvp,
    .transpose = transpose_transpose,
    .vmap = transpose_vmap,
    .lower = transpose_lower,
    .reference = transpose_reference,
    .tolerance = ir::exact(),
    .cost = move_cost,
    .samples = transpose_samples,
    .encoded = &kMoveByTranspose,
    .reads_each_once = true,
};

constinit const Op kReverse = {
    .name = "reverse",
    .family = "shape",
    .doc = "Runs the named axes backwards.",
    .attrs = kReverseAttrs,
    .infer = reverse_infer,
    .jvp = reverse_jvp,
    .transpose = reverse_transpose,
    .vmap = reverse_vmap,
    .lower = reverse_lower,
    .reference = reverse_reference,
    .tolerance = ir::exact(),
    .cost = move_cost,
    .samples = reverse_samples,
    .reads_each_once = true,
};

Value transpose(Value x, const Ints& perm) {
  Ints axes;
  for (int64_t p : perm) axes.push_back(axis_of(p, x.rank(), "transpose"));
  if (axes == iota_ints(0, x.rank())) return x;
  return x.graph().add1(kTranspose, {x}, {Attr("perm", ints_span(axes))});
}

Value swap_axes(Value x, int64_t a, int64_t b) {
  Ints perm = iota_ints(0, x.rank());
  std::swap(perm[axis_of(a, x.rank(), "swap_axes")], perm[axis_of(b, x.rank(), "swap_axes")]);
  return transpose(x, perm);
}

Value move_axis(Value x, int64_t from, int64_t to) {
  Ints perm = iota_ints(0, x.rank());
  from = axis_of(from, x.rank(), "move_axis");
  perm.erase(perm.begin() + from);
  perm.insert(perm.begin() + axis_of(to, x.rank(), "move_axis"), from);
  return transpose(x, perm);
}

Value reverse(Value x, const Ints& axes) {
  const Ints named = axes_of(axes, x.rank(), "reverse");
  if (named.empty()) return x;
  return x.graph().add1(kReverse, {x}, {Attr("axes", ints_span(named))});
}

}  // namespace strata::ops
