#include "strata/ir/encoding/scaled_integers.h"

#include <algorithm>
#include <bit>

#include "strata/ir/loops/rewrite.h"

namespace strata::ir {

using namespace loops;

namespace {

IntegerRange all_of(DType type) {
  const auto bits = static_cast<int>(8 * dtype_bytes(type));
  if (bits == 64) return {INT64_MIN, INT64_MAX};
  if (is_signed_int(type)) return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
  return {0, (int64_t{1} << bits) - 1};
}

bool is_within(IntegerRange inner, IntegerRange outer) { return inner.low >= outer.low && inner.high <= outer.high; }

/// Of operands so small that no sum or product of two of them leaves i64.
IntegerRange range_of_operands(const ExprNode& e, IntegerRange a, IntegerRange b, IntegerRange all) {
  switch (e.op) {
    case ExprOp::Add:
      return {a.low + b.low, a.high + b.high};
    case ExprOp::Sub:
      return {a.low - b.high, a.high - b.low};
    case ExprOp::And:  // of numbers that are not negative, no more than the smaller
      return a.low >= 0 && b.low >= 0 ? IntegerRange{0, std::min(a.high, b.high)}
             : b.low >= 0             ? IntegerRange{0, b.high}
             : a.low >= 0             ? IntegerRange{0, a.high}
                                      : all;
    case ExprOp::ShrLogical:
      return a.low >= 0 && b.low == b.high && b.low >= 0 && b.low < 63 ? IntegerRange{a.low >> b.low, a.high >> b.low}
             : a.low >= 0                                              ? IntegerRange{0, a.high}
                                                                       : all;
    case ExprOp::Shl:
      return a.low >= 0 && b.low == b.high && b.low >= 0 && b.low < 30 ? IntegerRange{a.low << b.low, a.high << b.low}
                                                                       : all;
    case ExprOp::Or:
    case ExprOp::Xor:  // no bit above the highest of either
      return a.low >= 0 && b.low >= 0
                 ? IntegerRange{0, static_cast<int64_t>((uint64_t{1} << std::bit_width(
                                                             static_cast<uint64_t>(std::max(a.high, b.high)))) -
                                                        1)}
                 : all;
    case ExprOp::Min:
      return {std::min(a.low, b.low), std::min(a.high, b.high)};
    case ExprOp::Max:
      return {std::max(a.low, b.low), std::max(a.high, b.high)};
    default:
      return all;
  }
}

bool depends_on_element(Expr e) {
  return any_node(e, [](Expr node) { return node->op == ExprOp::Loop; });
}

/// u8[bytes] -> i32[elements], f32[1].
Kernel kernel_of_parts(const BlockFormat& format, const ScaledIntegers& parts) {
  Kernel made;
  made.context = std::make_shared<LoopContext>();
  LoopContext& c = *made.context;
  const Buffer* block = c.buffer({"b", DType::u8, {format.bytes}, BufferKind::Input});
  const Buffer* integers = c.buffer({"q", DType::i32, {format.elements}, BufferKind::Output});
  const Buffer* scale = c.buffer({"d", DType::f32, {Dim(1)}, BufferKind::Output});
  made.name = "parts";
  made.params = {block, integers, scale};
  const LoopVar* i = c.loop_var("i");
  const auto part = [&](Expr e, Expr index) {
    return part_of_decode(c, format, e, index, [&](Expr byte) { return c.load(block, {byte}); });
  };
  made.body = {make_for(i, c.i64(0), c.i64(format.elements), LoopKind::Serial,
                        {make_store(integers, {c.loop(i)}, c.cast(DType::i32, part(parts.integer, c.loop(i))))}),
               make_store(scale, {c.i64(0)}, part(parts.scale, c.i64(0)))};
  return made;
}

}  // namespace

IntegerRange range_of(Expr e) {
  const DType type = e->type.dtype;
  if (!is_int(type)) return {INT64_MIN, INT64_MAX};
  const IntegerRange all = all_of(type);
  if (const auto value = constant_value(e)) return {*value, *value};
  if (e->op == ExprOp::Broadcast) return range_of(e->args[0]);
  if (e->op == ExprOp::Cast && is_int(e->args[0]->type.dtype)) {
    const IntegerRange from = range_of(e->args[0]);
    return is_within(from, all) ? from : all;
  }
  if (e->op == ExprOp::Select) {
    const IntegerRange a = range_of(e->args[1]), b = range_of(e->args[2]);
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  if (e->arg_count != 2 || !is_int(e->args[0]->type.dtype)) return all;
  const IntegerRange a = range_of(e->args[0]), b = range_of(e->args[1]), small{-(int64_t{1} << 32), int64_t{1} << 32};
  if (!is_within(a, small) || !is_within(b, small)) return all;
  const IntegerRange made = range_of_operands(*e, a, b, all);
  return is_within(made, all) ? made : all;
}

std::optional<ScaledIntegers> scaled_integers(const BlockFormat& format) {
  const Expr value = format.decode.body[0]->body[0]->value;
  if (format.value != DType::f32 || format.elements == 1 || value->op != ExprOp::Mul) return std::nullopt;
  for (const int first : {0, 1}) {
    const Expr element = value->args[first], scale = value->args[1 - first];
    if (element->op != ExprOp::Cast || !is_int(element->args[0]->type.dtype) || depends_on_element(scale)) continue;
    const Expr integer = element->args[0];
    const IntegerRange range = range_of(integer);
    if (range.low >= INT8_MIN && range.high <= UINT8_MAX) return ScaledIntegers{integer, scale, range};
  }
  return std::nullopt;
}

ScaledIntegersReader::ScaledIntegersReader(const BlockFormat& format)
    : interpreter_(kernel_of_parts(format, *scaled_integers(format))) {}

void ScaledIntegersReader::operator()(const std::byte* bytes, int32_t* integers, float& scale) const {
  void* const buffers[] = {const_cast<std::byte*>(bytes), integers, &scale};
  RunStatus status;
  interpreter_.run(buffers, {}, status);
}

}  // namespace strata::ir
