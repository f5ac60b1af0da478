// How the ops that move elements move whole blocks: the same op on the bytes, with blocks for elements of the last axis
// and one more axis for the bytes of a block, which is taken whole.
//
//   slice 64:128 of axis 1 of q4_0[8, 256]   ->   slice 2:4 of axis 1 of u8[8, 8, 18], all of axis 2
//
// Elements of 4 and 2 bits follow each other through the whole array, so their last axis must hold whole bytes for
// every movement but reshape.
#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using ir::BlockFormat;
using ir::BlockOrder;

const BlockFormat& format_of(Type t) { return *t.encoding().format(); }
bool has_blocks(Type t) { return format_of(t).elements != 1; }
bool has_byte_axis(Type t) {
  const BlockFormat& f = format_of(t);
  return f.order == BlockOrder::AlongLastAxis && (f.elements != 1 || f.bytes != 1);
}

/// The shape of the bytes with blocks along the last axis.
Shape block_shape(Type t) {
  const BlockFormat& f = format_of(t);
  if (f.order == BlockOrder::AlongLastAxis) return ir::stored_shape(f, t.shape());
  Shape shape(t.shape().begin(), t.shape().end());
  if (!shape.empty()) shape.back() = floor_div(shape.back(), Dim(f.elements));
  return shape;
}

Value in_blocks(Value bytes, Type t) { return reshape(bytes, block_shape(t)); }
Value as_stored(Value blocks, Type t) {
  const Type stored = t.stored();
  return reshape(blocks, Shape(stored.shape().begin(), stored.shape().end()));
}

[[noreturn]] void refuse_split(const ir::Infer& i, const std::string& what) {
  i.fail(base::code::kSplitBlocks,
         fmt::format("{} splits the blocks of {} elements of {}", what, format_of(i.type(0)).elements, i.type(0).str()),
         "decode first, or move whole blocks");
}

/// Whether blocks of 4- and 2-bit integers lie along the last axis, too.
void require_rows_of_blocks(const ir::Infer& i, Type t) {
  if (format_of(t).order == BlockOrder::AlongLastAxis) return;
  if (t.rank() == 0 || ir::is_not_multiple(t.shape().back(), format_of(t).elements))
    i.fail(base::code::kSplitBlocks,
           fmt::format("rows of {} end within a byte, which holds {} elements", t.str(), format_of(t).elements),
           "decode first");
}

void require_multiple(const ir::Infer& i, Dim d, const std::string& what) {
  if (ir::is_not_multiple(d, format_of(i.type(0)).elements)) refuse_split(i, what);
}

Ints attr_ints(const Node& node, std::string_view name) {
  const auto list = node.attrs.ints(name);
  return {list.begin(), list.end()};
}
Dim in_block_units(Dim d, Type t) { return floor_div(d, Dim(format_of(t).elements)); }

// ---- reshape ----

/// The order of the elements stays, so only the ends of rows matter; the result's type asks for whole blocks.
Value reshape_bytes(const Node& node, std::span<const Value> x) { return as_stored(x[0], node.type()); }

// ---- transpose ----

void check_transpose(const ir::Infer& i) {
  const auto perm = i.attrs.ints("perm");
  if (!has_blocks(i.type(0)) || perm.empty()) return;
  require_rows_of_blocks(i, i.type(0));
  if (perm.back() != std::ssize(perm) - 1) refuse_split(i, "moving the last axis");
}

Value transpose_bytes(const Node& node, std::span<const Value> x) {
  const Type t = node.operand(0).type();
  Ints perm = attr_ints(node, "perm");
  if (has_byte_axis(t)) perm.push_back(std::ssize(perm));
  return as_stored(transpose(in_blocks(x[0], t), perm), node.type());
}

// ---- broadcast ----

void check_broadcast(const ir::Infer& i) {
  const Type x = i.type(0);
  const auto axes = i.attrs.ints("axes");
  const auto shape = i.attrs.dims("shape");
  if (!has_blocks(x)) return;
  require_rows_of_blocks(i, x);
  const bool is_last_kept = !axes.empty() && axes.back() + 1 == std::ssize(shape) && shape.back() == x.dim(-1);
  if (!is_last_kept) refuse_split(i, "repeating along the last axis");
}

Value broadcast_bytes(const Node& node, std::span<const Value> x) {
  const Type t = node.operand(0).type();
  const Shape to = block_shape(node.type());
  Ints axes = attr_ints(node, "axes");
  if (has_byte_axis(t)) axes.push_back(std::ssize(to) - 1);
  return as_stored(broadcast(in_blocks(x[0], t), to, axes), node.type());
}

// ---- slice ----

void check_slice(const ir::Infer& i) {
  const Type x = i.type(0);
  if (!has_blocks(x) || x.rank() == 0) return;
  const Dim start = i.attrs.dims("start").back(), limit = i.attrs.dims("limit").back();
  require_rows_of_blocks(i, x);
  if (!(i.attrs.dims("stride").back() == Dim(1))) refuse_split(i, "a stride along the last axis");
  require_multiple(i, start, fmt::format("a slice from {}", start.str()));
  require_multiple(i, limit, fmt::format("a slice up to {}", limit.str()));
}

Value slice_bytes(const Node& node, std::span<const Value> x) {
  const Type t = node.operand(0).type();
  std::vector<Range> ranges;
  for (int a = 0; a < t.rank(); ++a) {
    const bool is_last = a + 1 == t.rank() && has_blocks(t);
    const Dim start = node.attrs.dims("start")[a], limit = node.attrs.dims("limit")[a];
    ranges.push_back({is_last ? in_block_units(start, t) : start, is_last ? in_block_units(limit, t) : limit,
                      node.attrs.dims("stride")[a]});
  }
  return as_stored(slice(in_blocks(x[0], t), ranges), node.type());
}

// ---- concat ----

void check_concat(const ir::Infer& i) {
  i.same_dtype();
  for (int k = 0; k < i.count(); ++k)
    if (has_blocks(i.type(k))) require_rows_of_blocks(i, i.type(k));
}

Value concat_bytes(const Node& node, std::span<const Value> x) {
  std::vector<Value> parts;
  for (size_t k = 0; k < x.size(); ++k) parts.push_back(in_blocks(x[k], node.operand(k).type()));
  return as_stored(concat(parts, node.attrs.integer("axis")), node.type());
}

// ---- gather ----

void check_gather(const ir::Infer& i) {
  require_plain(i, 1);
  if (i.attrs.text("mode") == "fill")
    i.fail(base::code::kBlocksNotTaken,
           fmt::format("mode fill reads 0, which not every block of {} can hold", i.type(0).encoding().name()),
           "mode clamp or check");
  const Type x = i.type(0);
  if (!has_blocks(x) || x.rank() == 0) return;
  require_rows_of_blocks(i, x);
  if (has_axis(i.attrs.ints("axes"), x.rank() - 1) || i.attrs.integer("batch") >= x.rank())
    refuse_split(i, "a position on the last axis");
}

/// The bytes of a block are one more axis that no position names.
Value gather_bytes(const Node& node, std::span<const Value> x) {
  const Value operands[] = {in_blocks(x[0], node.operand(0).type()), x[1]};
  return as_stored(x[0].graph().add(*node.op, operands, node.attrs.all())->result(), node.type());
}

// ---- dynamic_slice, dynamic_update_slice ----

void check_dynamic_slice(const ir::Infer& i) {
  require_plain(i, 1);
  const Type x = i.type(0);
  const auto sizes = i.attrs.dims("sizes");
  if (!has_blocks(x) || x.rank() == 0 || sizes.empty()) return;
  require_rows_of_blocks(i, x);
  if (!(sizes.back() == x.dim(-1))) refuse_split(i, "a part of the last axis");
}

/// Starts of the axes of a block array: the bytes begin at 0.
std::vector<Value> starts_of(std::span<const Value> starts, Type t) {
  std::vector<Value> all(starts.begin(), starts.end());
  if (has_byte_axis(t)) {
    const HostArray zero = HostArray::scalar(all[0].dtype(), 0);
    all.push_back(all[0].graph().add1(kConstant, {}, {Attr("value", &zero)}));
  }
  return all;
}

Value dynamic_slice_bytes(const Node& node, std::span<const Value> x) {
  const Type t = node.operand(0).type();
  if (t.rank() == 0) return x[0];
  const Value part = dynamic_slice(in_blocks(x[0], t), starts_of(x.subspan(1), t), block_shape(node.type()));
  return as_stored(part, node.type());
}

void check_dynamic_update_slice(const ir::Infer& i) {
  require_plain(i, 2);
  i.require(i.type(0).encoding() == i.type(1).encoding(), base::code::kOperandTypes,
            fmt::format("the update is {}, expected {}", i.type(1).str(), i.type(0).encoding().name()));
  const Type x = i.type(0), update = i.type(1);
  if (!has_blocks(x) || x.rank() == 0 || update.rank() != x.rank()) return;
  require_rows_of_blocks(i, x);
  if (!(update.dim(-1) == x.dim(-1))) refuse_split(i, "a part of the last axis");
}

Value dynamic_update_slice_bytes(const Node& node, std::span<const Value> x) {
  const Type t = node.operand(0).type();
  if (t.rank() == 0) return x[1];
  const auto in_place = node.attrs.flag("in_place") ? InPlace::Required : InPlace::WherePossible;
  const Value whole = dynamic_update_slice(in_blocks(x[0], t), in_blocks(x[1], node.operand(1).type()),
                                           starts_of(x.subspan(2), t), in_place);
  return as_stored(whole, node.type());
}

}  // namespace

void require_plain(const ir::Infer& i, int first) {
  for (int k = first; k < i.count(); ++k)
    if (i.type(k).is_encoded())
      i.fail(base::code::kBlocksNotTaken,
             fmt::format("operand {} is {}, whose elements are blocks of bytes", k, i.type(k).str()),
             "decode gives its elements");
}

const ir::EncodedRule kMoveByReshape{nullptr, reshape_bytes};
const ir::EncodedRule kMoveByTranspose{check_transpose, transpose_bytes};
const ir::EncodedRule kMoveByBroadcast{check_broadcast, broadcast_bytes};
const ir::EncodedRule kMoveBySlice{check_slice, slice_bytes};
const ir::EncodedRule kMoveByConcat{check_concat, concat_bytes};
const ir::EncodedRule kMoveByGather{check_gather, gather_bytes};
const ir::EncodedRule kMoveByDynamicSlice{check_dynamic_slice, dynamic_slice_bytes};
const ir::EncodedRule kMoveByDynamicUpdateSlice{check_dynamic_update_slice, dynamic_update_slice_bytes};

}  // namespace strata::ops
