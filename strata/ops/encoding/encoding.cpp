// decode, encode, and the bytes between them.
#include "strata/ops/encoding/encoding.h"

#include <fmt/format.h>

#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/encoding/encode_array.h"
#include "strata/ir/unproved.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using ir::BlockFormat;
using ir::BlockOrder;

constexpr AttrSpec kDecodeAttrs[] = {{"to", AttrKind::Type, "the result's dtype"}};
constexpr AttrSpec kEncodeAttrs[] = {{"encoding", AttrKind::Text, "the result's encoding"}};
constexpr AttrSpec kFromBytesAttrs[] = {{"encoding", AttrKind::Text, "the result's encoding"},
                                        {"shape", AttrKind::Dims, "the result's shape, in elements"}};
constexpr refuse kNoTangents("encoded operands have no tangents");

const BlockFormat& format_of(Type t) { return *t.encoding().format(); }

void require_encoded(const ir::Infer& i) {
  if (!i.type(0).is_encoded())
    i.fail(base::code::kOperandTypes, fmt::format("takes an array of blocks, found {}", i.type(0).str()),
           "encode makes one");
}

Encoding encoding_attr(const ir::Infer& i) {
  const Encoding encoding = ir::encoding_named(i.attrs.text("encoding"));
  if (encoding.is_plain())
    i.fail(base::code::kOperandTypes, fmt::format("{} is a dtype, not an encoding", encoding.name()), "use cast");
  return encoding;
}

bool has_byte_axis(const BlockFormat& f) { return f.elements != 1 || f.bytes != 1; }

// ---- decode ----

void decode_infer(ir::Infer& i) {
  require_encoded(i);
  const DType to = i.attrs.dtype("to");
  if (ir::is_bool(to)) i.fail(base::code::kOperandTypes, "gives numbers, found bool");
  i.result(i.type(0).with_dtype(to));
}

/// Where the element at `index` lies: its place in the block, and the index of the block among the stored bytes.
struct BlockPlace {
  Expr within;
  std::vector<Expr> block;
};

BlockPlace place_of(ir::loops::LoopContext& c, Type t, std::span<const Expr> index) {
  const BlockFormat& f = format_of(t);
  const IndexMath m{c};
  if (f.order == BlockOrder::AlongLastAxis) {
    BlockPlace place{m.num(0), {index.begin(), index.end()}};
    if (f.elements == 1) return place;
    place.within = m.mod(index.back(), m.num(f.elements));
    place.block.back() = m.div(index.back(), m.num(f.elements));
    return place;
  }
  Expr flat = m.num(0);
  for (size_t a = 0; a < index.size(); ++a) flat = m.add(m.mul(flat, m.at(t.dim(a))), index[a]);
  return {m.mod(flat, m.num(f.elements)), {m.div(flat, m.num(f.elements))}};
}

void decode_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    return l.context.cast(l.node.type().dtype(), decoded_operand(l, 0, index));
  });
}

/// Integers travel as integers; floats round once from what the decode function gives.
void decode_reference(ir::Reference& r) {
  const HostArray values = r.operands[0].decoded();
  for (int64_t i = 0, n = values.elements(); i < n; ++i) {
    if (ir::is_float(values.dtype()) || ir::is_float(r.results[0].dtype()))
      r.results[0].set(i, values.get(i));
    else
      r.results[0].set_int(i, values.get_int(i));
  }
}

std::vector<ir::Sample> decode_samples() {
  std::vector<ir::Sample> all;
  const auto add = [&](Encoding e, std::initializer_list<Dim> shape, DType to) {
    all.push_back({{{Type::of(e, shape), Domain::Normal}}, {Attr("to", to)}, {}});
  };
  for (Encoding e : ir::built_in_encodings()) {
    add(e, {3, 64}, e.value_dtype());
    all.push_back({{{Type::of(e, {16, 64}), Domain::Special}}, {Attr("to", e.value_dtype())}, {}});
    add(e, {2, 0, 64}, e.value_dtype());
    add(e, {128}, ir::is_float(e.value_dtype()) ? DType::bf16 : DType::f32);
    if (e.format()->order == BlockOrder::WholeArray) add(e, {3, 5, 7}, e.value_dtype());
  }
  return all;
}

// ---- encode ----

/// f16 and bf16 reach f32 without rounding, f64 rounds to it first.
bool may_encode(DType from, DType value) { return from == value || (value == DType::f32 && ir::is_float(from)); }

void encode_infer(ir::Infer& i) {
  const Encoding encoding = encoding_attr(i);
  if (!encoding.format()->encode)
    i.fail(base::code::kBlocksNotTaken, fmt::format("{} has no encode function", encoding.name()));
  if (!may_encode(i.type(0).dtype(), encoding.value_dtype()))
    i.fail(base::code::kOperandTypes,
           fmt::format("{} is made of {}, found {}", encoding.name(), ir::dtype_name(encoding.value_dtype()),
                       i.type(0).str()),
           "convert it with cast");
  i.result(Type::of(encoding, i.type(0).shape()));
}

/// Element `within` of a block: elements behind the end of the array are 0.
Expr element_of_block(ir::Lowering& l, std::span<const Expr> block, Expr within) {
  const Type x = l.node.operand(0).type();
  const BlockFormat& f = format_of(l.node.type());
  const IndexMath m{l.context};
  std::vector<Expr> at(block.begin(), block.end());
  if (f.order == BlockOrder::AlongLastAxis) {
    if (f.elements != 1) at.back() = m.add(m.mul(block.back(), m.num(f.elements)), within);
    return l.context.cast(f.value, l.context.load(l.operand_buffer(0), at));
  }
  const Expr count = m.at(x.elements()), flat = m.add(m.mul(block[0], m.num(f.elements)), within);
  Expr rest = m.min(flat, m.sub(count, m.num(1)));
  at.assign(x.rank(), nullptr);
  for (int a = x.rank() - 1; a >= 0; --a) {
    at[a] = a ? m.mod(rest, m.at(x.dim(a))) : rest;
    if (a) rest = m.div(rest, m.at(x.dim(a)));
  }
  const Expr value = l.context.load(l.operand_buffer(0), at);
  return l.context.select(m.lt(flat, count), l.context.cast(f.value, value), l.context.constant(f.value, 0));
}

StmtList encode_loops(ir::Lowering& l) {
  const Type y = l.node.type(), stored = y.stored();
  const BlockFormat& f = format_of(y);
  if (has_no_elements(stored)) return {};
  const bool is_axis = f.order == BlockOrder::AlongLastAxis && has_byte_axis(f);
  const auto blocks = stored.shape().subspan(0, stored.shape().size() - (is_axis ? 1 : 0));
  const auto body = [&](std::span<const Expr> block) {
    return ir::encode_stmts(
        l.context, f, [&](Expr within) { return element_of_block(l, block, within); }, l.result_buffer(0), block);
  };
  return blocks.empty() ? body({}) : parallel_over(l.context, blocks, body);
}

void encode_reference(ir::Reference& r) { r.results[0] = ir::encode_array(r.operands[0], r.results[0].encoding()); }

std::vector<ir::Sample> encode_samples() {
  std::vector<ir::Sample> all;
  const auto add = [&](Encoding e, DType from, std::initializer_list<Dim> shape, Domain domain) {
    all.push_back({{{Type::of(from, shape), domain}}, {Attr("encoding", e.name())}, {}});
  };
  for (Encoding e : ir::built_in_encodings()) {
    add(e, e.value_dtype(), {3, 64}, Domain::Normal);
    add(e, e.value_dtype(), {5, 128}, Domain::Special);
    add(e, e.value_dtype(), {0, 64}, Domain::Normal);
    if (e.format()->order == BlockOrder::WholeArray) add(e, e.value_dtype(), {3, 5, 7}, Domain::Normal);
    if (!ir::is_float(e.value_dtype())) continue;
    add(e, DType::bf16, {2, 64}, Domain::Normal);
    add(e, DType::f16, {2, 64}, Domain::Special);
    add(e, DType::f64, {2, 64}, Domain::Normal);
  }
  return all;
}

// ---- encoded_bytes, from_encoded_bytes ----

void bytes_infer(ir::Infer& i) {
  require_encoded(i);
  i.result(i.type(0).stored());
}

void from_bytes_infer(ir::Infer& i) {
  const Type y = Type::of(encoding_attr(i), i.attrs.dims("shape"));
  if (i.type(0).is_encoded() || !ir::proved_equal(i.type(0).shape(), y.stored().shape()))
    i.fail(base::code::kOperandShapes,
           fmt::format("{} is stored as {}, found {}", y.str(), y.stored().str(), i.type(0).str()));
  i.result(y);
}

void copy_bytes(ir::Reference& r) { std::memcpy(r.results[0].data(), r.operands[0].data(), r.operands[0].bytes()); }

/// Blocks of a batch lie behind each other unless a byte holds elements of two examples.
void require_own_bytes(const ir::Vmap& v, Type t) {
  const BlockFormat& f = format_of(t);
  if (f.order == BlockOrder::WholeArray && !(mod(t.elements(), Dim(f.elements)) == Dim(0)))
    throw base::Error(base::code::kNoSuchForm, fmt::format("vmap: {} of {} has no batch: examples may share a byte",
                                                           v.node.op->name, t.encoding().name()))
        .hint("decode and encode take batches");
}

std::vector<ir::Sample> bytes_samples() {
  std::vector<ir::Sample> all;
  for (Encoding e : ir::built_in_encodings()) {
    all.push_back({{{Type::of(e, {3, 64}), Domain::Normal}}, {}, {}});
    all.push_back({{{Type::of(e, {0, 64}), Domain::Normal}}, {}, {}});
  }
  return all;
}

std::vector<ir::Sample> from_bytes_samples() {
  static const Dim shape[] = {3, 64}, none[] = {0, 64};
  std::vector<ir::Sample> all;
  for (Encoding e : ir::built_in_encodings())
    for (std::span<const Dim> s : {std::span<const Dim>(shape), std::span<const Dim>(none)})
      all.push_back({{{Type::of(e, s).stored(), Domain::Normal}}, {Attr("encoding", e.name()), Attr("shape", s)}, {}});
  return all;
}

constexpr ir::EncodedRule kReadsBlocks{};

}  // namespace

constinit const Op kDecode = {
    .name = "decode",
    .family = "encoding",
    .doc =
        "The elements of an array of blocks as the encoding's decode function gives them, converted as by cast to "
        "`to`. No tangents: blocks are data, like integers.",
    .attrs = kDecodeAttrs,
    .types = ir::only(DType::u8),
    .infer = decode_infer,
    .jvp = kNoTangents,
    .transpose = kNoTangents,
    .vmap = [](ir::Vmap& v) { v.set(decode(v.operand(0), v.node.type().dtype())); },
    .lower = decode_lower,
    .reference = decode_reference,
    .tolerance = exact(),
    .cost = cost_per_element<8>,
    .samples = decode_samples,
    .encoded = &kReadsBlocks,
    .reads_each_once = true,
};

constinit const Op kEncode = {
    .name = "encode",
    .family = "encoding",
    .doc =
        "Blocks of the encoding, made by its encode function. f8_e4m3 and f8_e5m2: to nearest even, beyond the largest "
        "number (infinity included) to that, NaN to 0x7f. i4, u4, i2, u2: saturates. q4_0, q8_0: as ggml's reference "
        "quantisation. nf4: the nearest of its 16 values times the block's largest magnitude, of two the lower. mxfp4: "
        "the scale is the power of two below the largest magnitude divided by 4, elements to nearest even, saturating; "
        "NaN or infinity makes the block NaN. f64 rounds to f32 first. The derivative is 0.",
    .attrs = kEncodeAttrs,
    .types = ir::kFloats | ir::only(DType::i8) | ir::only(DType::u8),
    .infer = encode_infer,
    .jvp = [](ir::Jvp&) {},
    .transpose = kNotLinear,
    .vmap = [](ir::Vmap& v) { v.set(encode(v.operand(0), v.node.type().encoding())); },
    .lower = [](ir::Lowering& l) { l.loops({[&l] { return encode_loops(l); }}); },
    .reference = encode_reference,
    .tolerance = exact(),
    .cost = cost_per_element<8>,
    .samples = encode_samples,
};

constinit const Op kEncodedBytes = {
    .name = "encoded_bytes",
    .family = "encoding",
    .doc =
        "The bytes that store an array of blocks, as u8: [..., blocks of the last axis, bytes of a block]; without the "
        "last axis where a block is one element of one byte; flat for integers of 4 and 2 bits, low bits first.",
    .types = ir::only(DType::u8),
    .infer = bytes_infer,
    .jvp = kNoTangents,
    .transpose = kNoTangents,
    .vmap =
        [](ir::Vmap& v) {
          require_own_bytes(v, v.node.operand(0).type());
          v.set(reshape(encoded_bytes(v.operand(0)), prepend(v.size, v.node.type().shape())));
        },
    .lower = [](ir::Lowering& l) { l.alias(0); },
    .reference = copy_bytes,
    .tolerance = exact(),
    .cost = [](const Node&) { return ir::Cost{0, 0}; },
    .samples = bytes_samples,
    .encoded = &kReadsBlocks,
    .reads_each_once = true,
};

constinit const Op kFromEncodedBytes = {
    .name = "from_encoded_bytes",
    .family = "encoding",
    .doc = "The array of blocks that these bytes store, which lie as encoded_bytes gives them.",
    .attrs = kFromBytesAttrs,
    .types = ir::only(DType::u8),
    .infer = from_bytes_infer,
    .jvp = kNoDerivative,
    .transpose = kNoDerivative,
    .vmap =
        [](ir::Vmap& v) {
          require_own_bytes(v, v.node.type());
          const Type y = Type::of(v.node.type().encoding(), prepend(v.size, v.node.type().shape()));
          const Type stored = y.stored();
          const Value bytes = reshape(v.operand(0), Shape(stored.shape().begin(), stored.shape().end()));
          v.set(from_encoded_bytes(bytes, y.encoding(), Shape(y.shape().begin(), y.shape().end())));
        },
    .lower = [](ir::Lowering& l) { l.alias(0); },
    .reference = copy_bytes,
    .tolerance = exact(),
    .cost = [](const Node&) { return ir::Cost{0, 0}; },
    .samples = from_bytes_samples,
    .reads_each_once = true,
};

Expr decoded_operand(ir::Lowering& l, int operand, std::span<const Expr> index) {
  const Type x = l.node.operand(operand).type();
  if (!x.is_encoded()) return l.operand(operand, index);
  const BlockFormat& f = format_of(x);
  const BlockPlace place = place_of(l.context, x, index);
  const bool is_axis = f.order == BlockOrder::AlongLastAxis && has_byte_axis(f);
  return ir::decode_expr(l.context, f, place.within, [&](Expr byte) {
    std::vector<Expr> at = place.block;
    if (is_axis) at.push_back(byte);
    return l.operand(operand, at);
  });
}

Value decode(Value x, std::optional<DType> dtype) {
  return x.graph().add1(kDecode, {x}, {Attr("to", dtype.value_or(x.type().encoding().value_dtype()))});
}

Value encode(Value x, Encoding encoding) { return x.graph().add1(kEncode, {x}, {Attr("encoding", encoding.name())}); }

Value encoded_bytes(Value x) { return x.graph().add1(kEncodedBytes, {x}); }

Value from_encoded_bytes(Value bytes, Encoding encoding, const Shape& shape) {
  return bytes.graph().add1(kFromEncodedBytes, {bytes},
                            {Attr("encoding", encoding.name()), Attr("shape", dims_span(shape))});
}

}  // namespace strata::ops
