// constant and iota, and the functions that make constants.
#include "strata/ops/creation/creation.h"

#include <fmt/format.h>

#include <bit>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/operands/number_range.h"

namespace strata::ops {
namespace {

constexpr ir::AttrSpec kConstantAttrs[] = {{"value", ir::AttrKind::Array, "the elements"}};
constexpr ir::AttrSpec kIotaAttrs[] = {{"type", ir::AttrKind::Type, "the result's dtype"},
                                       {"shape", ir::AttrKind::Dims, "the result's shape"},
                                       {"axis", ir::AttrKind::Int, "the axis along which the numbers ascend"}};

/// A literal whose elements change more often than this, in row-major order, is data of the plan.
constexpr int64_t kMostInlineChanges = 16;

void constant_infer(ir::Infer& i) {
  const HostArray& value = i.attrs.array("value");
  if (value.is_encoded())
    i.fail(base::code::kBlocksNotTaken,
           std::string("a literal has a dtype, found ") + std::string(value.encoding().name()),
           "pass an encoded array as an argument");
  const Shape shape(value.shape().begin(), value.shape().end());
  i.result(Type::of(value.dtype(), shape));
}

uint64_t element_bits(const HostArray& a, int64_t i) {
  const int64_t size = ir::dtype_bytes(a.dtype());
  uint64_t bits = 0;
  std::memcpy(&bits, a.data() + i * size, size);
  return bits;
}

/// The elements as a chain of selects on the flat index; equal neighbours need none, so a splat is one constant.
Expr inline_elements(ir::loops::LoopContext& c, const HostArray& a, std::span<const Expr> index) {
  if (a.elements() == 0) return c.constant(a.dtype(), 0);
  const IndexMath m{c};
  Expr flat = c.i64(0);
  const Ints strides = row_strides(a.shape());
  for (size_t axis = 0; axis < index.size(); ++axis) flat = m.add(flat, m.mul(index[axis], c.i64(strides[axis])));
  Expr chain = c.constant_bits(a.dtype(), element_bits(a, a.elements() - 1));
  for (int64_t i = a.elements() - 1; i-- > 0;)
    if (element_bits(a, i) != element_bits(a, i + 1))
      chain = c.select(m.le(flat, c.i64(i)), c.constant_bits(a.dtype(), element_bits(a, i)), chain);
  return chain;
}

bool is_written_in_place(const HostArray& value) {
  int64_t changes = 0;
  for (int64_t i = 1; i < value.elements() && changes <= kMostInlineChanges; ++i)
    changes += element_bits(value, i) != element_bits(value, i - 1);
  return changes <= kMostInlineChanges;
}

/// Whoever asks for the form learns here, and nowhere else, whether the literal may stand in the expressions of its
/// readers or is memory that they load from.
void constant_lower(ir::Lowering& l) {
  if (!is_written_in_place(l.node.attrs.array("value"))) return;
  l.element(
      0, [&l](std::span<const Expr> index) { return inline_elements(l.context, l.node.attrs.array("value"), index); });
}

std::vector<ir::Sample> constant_samples() {
  static const std::vector<HostArray> arrays = [] {
    std::vector<HostArray> all;
    for (DType t : ir::kAllDTypes) all.push_back(HostArray::scalar(t, 3));
    HostArray table(DType::f32, {2, 3});
    for (int i = 0; i < 6; ++i) table.set(i, 0.5 * i);
    all.push_back(table);
    all.push_back(HostArray(DType::f32, {0, 2}));
    return all;
  }();
  std::vector<ir::Sample> samples;
  for (const HostArray& a : arrays) samples.push_back({{}, {Attr("value", &a)}, {}});
  return samples;
}

void iota_infer(ir::Infer& i) {
  const auto shape = i.attrs.dims("shape");
  const int64_t axis = i.attrs.integer("axis");
  const DType t = i.attrs.dtype("type");
  if (axis < 0 || axis >= std::ssize(shape))
    i.fail(base::code::kAxis, "axis " + std::to_string(axis) + " is out of range for " + ir::shape_str(shape));
  if (!ir::kNumbers.has(t))
    i.fail(base::code::kOperandTypes, "makes floats and integers, not " + std::string(ir::dtype_name(t)));
  i.result(Type::of(t, shape));
}

Value add_iota(Graph& graph, DType t, std::span<const Dim> shape, int64_t axis) {
  return graph.add(kIota, {}, std::array{Attr("type", t), Attr("shape", shape), Attr("axis", axis)})->result();
}

void iota_reference(ir::Reference& r) {
  const size_t axis = r.node.attrs.integer("axis");
  int64_t to = 0;
  for_each_index(r.results[0].shape(), [&](const Ints& index) { r.results[0].set_int(to++, index[axis]); });
}

std::vector<ir::Sample> iota_samples() {
  static const Dim matrix[] = {3, 5}, empty[] = {0, 4}, vector[] = {7};
  std::vector<ir::Sample> all;
  auto add = [&](DType t, std::span<const Dim> shape, int axis) {
    all.push_back({{}, {Attr("type", t), Attr("shape", shape), Attr("axis", axis)}, {}});
  };
  for (DType t : ir::kAllDTypes)
    if (ir::kNumbers.has(t)) add(t, matrix, 1);
  add(DType::i64, matrix, 0);
  add(DType::f32, empty, 1);
  add(DType::f32, vector, 0);
  return all;
}

}  // namespace

constinit const Op kConstant = {
    .name = "constant",
    .family = "creation",
    .doc = "The array of the attribute, bit for bit.",
    .operands_min = 0,
    .operands_max = 0,
    .attrs = kConstantAttrs,
    .infer = constant_infer,
    .jvp = zero_tangent,
    .transpose = refuse("has no operands"),
    .vmap =
        [](ir::Vmap& v) {
          v.set(broadcast_to(constant(v.graph, v.node.attrs.array("value")), prepend(v.size, v.node.type().shape())));
        },
    .lower = constant_lower,
    .reference = [](ir::Reference& r) { r.results[0] = r.node.attrs.array("value"); },
    .tolerance = exact(),
    .cost = move_cost,
    .samples = constant_samples,
};

constinit const Op kIota = {
    .name = "iota",
    .family = "creation",
    .doc = "0, 1, 2, ... along one axis, the same along the others. Integers wrap, floats round to nearest even.",
    .operands_min = 0,
    .operands_max = 0,
    .attrs = kIotaAttrs,
    .types = ir::kNumbers,
    .infer = iota_infer,
    .jvp = zero_tangent,
    .transpose = refuse("has no operands"),
    .vmap =
        [](ir::Vmap& v) {
          const auto& a = v.node.attrs;
          v.set(add_iota(v.graph, a.dtype("type"), prepend(v.size, a.dims("shape")), a.integer("axis") + 1));
        },
    .lower =
        [](ir::Lowering& l) {
          l.element(0, [&l](std::span<const Expr> index) {
            return l.context.cast(l.node.type().dtype(), index[l.node.attrs.integer("axis")]);
          });
        },
    .reference = iota_reference,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = iota_samples,
};

Value iota(Graph& graph, Type type, int64_t axis) {
  return add_iota(graph, type.dtype(), type.shape(), axis_of(axis, type.rank(), "iota"));
}
Value iota_like(Value like, DType dtype, int64_t axis) {
  return iota(like.graph(), like.type().with_dtype(dtype), axis);
}

Value constant(Graph& graph, const HostArray& value) {
  return graph.add(kConstant, {}, std::array{Attr("value", &value)})->result();
}

namespace {

uint64_t bits_of(Literal value) {
  return value.is_integer ? static_cast<uint64_t>(value.integer) : std::bit_cast<uint64_t>(value.real);
}
/// What the bits mean: -1 and the largest u64 have the same.
int kind_of(Literal value) { return value.is_integer ? 1 + (value.real < 0) : 0; }

/// Programs use few literals again and again; sharing their storage saves the allocations of x * 2.0 while it is
/// recorded.
const HostArray& shared_literal(DType dtype, Literal value) {
  struct Entry {
    uint64_t bits = 0;
    int kind = -1;
    HostArray array;
  };
  thread_local std::array<Entry, 64> cache;
  const uint64_t bits = bits_of(value);
  const int kind = static_cast<int>(dtype) * 4 + kind_of(value);
  Entry& entry = cache[((bits ^ static_cast<uint64_t>(kind)) * 0x9e3779b97f4a7c15) >> 58];
  if (entry.bits != bits || entry.kind != kind) {
    entry.array = literal_array(value, dtype);
    entry.bits = bits;
    entry.kind = kind;
  }
  return entry.array;
}

}  // namespace

Value scalar(Graph& graph, DType dtype, Literal value) {
  const Attr attr("value", &shared_literal(dtype, value));
  return graph.add(kConstant, {}, {&attr, 1})->result();
}

Value full(Graph& graph, Type type, Literal value) {
  const base::Hash128 key =
      base::combine(type.hash(), base::Hash128{bits_of(value), static_cast<uint64_t>(kind_of(value))});
  if (const Value found = graph.find_shared(key)) return found;
  const Value made = broadcast_to(scalar(graph, type.dtype(), value), type.shape());
  graph.share(key, made);
  return made;
}
Value scalar_like(Value like, Literal value) { return scalar(like.graph(), like.dtype(), value); }
Value constant_like(Value like, Literal value) { return full(like.graph(), like.type(), value); }
Value zeros_like(Value like) { return constant_like(like, 0); }
Value ones_like(Value like) { return constant_like(like, 1); }

}  // namespace strata::ops
