#include "strata/ir/loops/legality.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::ir::loops {
namespace {

constexpr OpRule kRules[kExprOpCount] = {
    {ExprOp::Constant, "constant", 0, Domain::None},
    {ExprOp::DimSymbol, "dim", 0, Domain::None},
    {ExprOp::Loop, "loop", 0, Domain::None},
    {ExprOp::Read, "read", 0, Domain::None},
    {ExprOp::Load, "load", 0, Domain::None},
    {ExprOp::Ramp, "ramp", 2, Domain::None},
    {ExprOp::Broadcast, "broadcast", 1, Domain::None},
    {ExprOp::Lane, "lane", 1, Domain::None},
    {ExprOp::Neg, "neg", 1, Domain::Number},
    {ExprOp::Abs, "abs", 1, Domain::Number},
    {ExprOp::Not, "not", 1, Domain::IntOrBool},
    {ExprOp::Sqrt, "sqrt", 1, Domain::Float},
    {ExprOp::Floor, "floor", 1, Domain::Float},
    {ExprOp::Ceil, "ceil", 1, Domain::Float},
    {ExprOp::RoundEven, "round_even", 1, Domain::Float},
    {ExprOp::Trunc, "trunc", 1, Domain::Float},
    {ExprOp::HugeAngle, "huge_angle", 1, Domain::Float},
    {ExprOp::HugeQuadrant, "huge_quadrant", 1, Domain::Float},
    {ExprOp::Cast, "cast", 1, Domain::Any},
    {ExprOp::Bitcast, "bitcast", 1, Domain::Any},
    {ExprOp::Add, "add", 2, Domain::Number},
    {ExprOp::Sub, "sub", 2, Domain::Number},
    {ExprOp::Mul, "mul", 2, Domain::Number},
    {ExprOp::Div, "div", 2, Domain::Number},
    {ExprOp::Rem, "rem", 2, Domain::Number},
    {ExprOp::FloorDiv, "floordiv", 2, Domain::Int},
    {ExprOp::FloorMod, "floormod", 2, Domain::Int},
    {ExprOp::Min, "min", 2, Domain::Number},
    {ExprOp::Max, "max", 2, Domain::Number},
    {ExprOp::And, "and", 2, Domain::IntOrBool},
    {ExprOp::Or, "or", 2, Domain::IntOrBool},
    {ExprOp::Xor, "xor", 2, Domain::IntOrBool},
    {ExprOp::Shl, "shl", 2, Domain::Int},
    {ExprOp::ShrArith, "shr_arith", 2, Domain::Int},
    {ExprOp::ShrLogical, "shr_logical", 2, Domain::Int},
    {ExprOp::CopySign, "copysign", 2, Domain::Float},
    {ExprOp::Eq, "eq", 2, Domain::Comparable, true},
    {ExprOp::Ne, "ne", 2, Domain::Comparable, true},
    {ExprOp::Lt, "lt", 2, Domain::Number, true},
    {ExprOp::Le, "le", 2, Domain::Number, true},
    {ExprOp::Gt, "gt", 2, Domain::Number, true},
    {ExprOp::Ge, "ge", 2, Domain::Number, true},
    {ExprOp::Fma, "fma", 3, Domain::Float},
    {ExprOp::Select, "select", 3, Domain::Any},
    {ExprOp::Dot2, "dot2", 3, Domain::None},
    {ExprOp::Dot4, "dot4", 3, Domain::None},
    {ExprOp::Interleave, "interleave", 2, Domain::None},
    {ExprOp::FmaFlushed, "fma_flushed", 3, Domain::Float},
    {ExprOp::Dot2Flushed, "dot2_flushed", 3, Domain::None},
};

constexpr bool in_order_of_ops() {
  for (int i = 0; i < kExprOpCount; ++i)
    if (static_cast<int>(kRules[i].op) != i) return false;
  return true;
}
static_assert(in_order_of_ops());

}  // namespace

std::span<const OpRule> op_rules() { return kRules; }
const OpRule& op_rule(ExprOp op) { return kRules[static_cast<int>(op)]; }
std::string_view expr_op_name(ExprOp op) { return op_rule(op).name; }

std::optional<ExprOp> expr_op_from_name(std::string_view name) {
  for (const OpRule& rule : kRules)
    if (rule.name == name) return rule.op;
  return std::nullopt;
}

bool in_domain(Domain domain, DType type) {
  switch (domain) {
    case Domain::None:
      return false;
    case Domain::Any:
      return true;
    case Domain::Number:
      return is_int(type) || (is_float(type) && !is_half_float(type));
    case Domain::Float:
      return is_float(type) && !is_half_float(type);
    case Domain::Int:
      return is_int(type);
    case Domain::IntOrBool:
      return is_int(type) || is_bool(type);
    case Domain::Comparable:
      break;
  }
  return !is_half_float(type);
}

std::string_view domain_name(Domain domain) {
  switch (domain) {
    case Domain::None:
      return "nothing";
    case Domain::Any:
      return "every dtype";
    case Domain::Number:
      return "f64, f32 and integers";
    case Domain::Float:
      return "f64 and f32";
    case Domain::Int:
      return "integers";
    case Domain::IntOrBool:
      return "integers and bool";
    case Domain::Comparable:
      break;
  }
  return "f64, f32, integers and bool";
}

std::string type_name(ScalarType type) {
  if (type.lanes == 1) return std::string(dtype_name(type.dtype));
  return fmt::format("{}x{}", dtype_name(type.dtype), type.lanes);
}

std::string refuse_operands(ExprOp op, std::span<const ScalarType> operands) {
  const OpRule& rule = op_rule(op);
  if (rule.domain == Domain::None || operands.size() != rule.arity)
    return fmt::format("{} does not take {} operands", rule.name, operands.size());
  const bool select = op == ExprOp::Select;
  if (select && operands[0].dtype != DType::boolean)
    return fmt::format("the condition of select is {}, not bool", type_name(operands[0]));
  const ScalarType first = operands[select ? 1 : 0];
  int lanes = 1;
  for (const ScalarType& operand : operands) lanes = std::max<int>(lanes, operand.lanes);
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].lanes != 1 && operands[i].lanes != lanes)
      return fmt::format("{}: operands have {} and {} lanes", rule.name, operands[i].lanes, lanes);
    if (!(select && i == 0) && operands[i].dtype != first.dtype)
      return fmt::format("{}: operand types differ: {} and {}", rule.name, type_name(first), type_name(operands[i]));
  }
  if (!in_domain(rule.domain, first.dtype))
    return fmt::format("{} takes {}, not {}", rule.name, domain_name(rule.domain), type_name(first));
  return {};
}

int group_of(ExprOp op) {
  if (op == ExprOp::Dot2 || op == ExprOp::Dot2Flushed) return 2;
  return op == ExprOp::Dot4 ? 4 : 0;
}

std::string refuse_group(ExprOp op, std::span<const ScalarType> operands) {
  const OpRule& rule = op_rule(op);
  if (operands.size() != rule.arity) return fmt::format("{} does not take {} operands", rule.name, operands.size());
  const ScalarType a = operands[0], b = operands[1];
  if (op == ExprOp::Interleave) {
    if (a != b) return fmt::format("interleave: operands are {} and {}", type_name(a), type_name(b));
    return 2 * a.lanes <= kMaxLanes ? "" : fmt::format("interleave of {} lanes: at most {}", a.lanes, kMaxLanes / 2);
  }
  const ScalarType sum = operands[2];
  const bool is_bytes = a.dtype == DType::u8 && b.dtype == DType::i8 && sum.dtype == DType::i32;
  const bool is_byte_pairs = a.dtype == DType::u8 && b.dtype == DType::i8 && sum.dtype == DType::i16;
  const bool is_words = a.dtype == DType::i16 && b.dtype == DType::i16 && sum.dtype == DType::i32;
  const bool is_floats = a.dtype == DType::bf16 && b.dtype == DType::bf16 && sum.dtype == DType::f32;
  const bool is_taken = op == ExprOp::Dot4   ? is_bytes
                        : op == ExprOp::Dot2 ? is_words || is_floats || is_byte_pairs
                                             : is_floats;
  if (!is_taken)
    return fmt::format("{} takes {}, not {}, {} and {}", rule.name,
                       op == ExprOp::Dot4   ? "u8, i8 and i32"
                       : op == ExprOp::Dot2 ? "i16, i16 and i32, bf16, bf16 and f32 or u8, i8 and i16"
                                            : "bf16, bf16 and f32",
                       type_name(a), type_name(b), type_name(sum));
  const int group = group_of(op), lanes = group * sum.lanes;
  const auto fits = [&](ScalarType factor) { return factor.lanes == lanes || factor.lanes == group; };
  if (!fits(a) || !fits(b))
    return fmt::format("{}: {} goes with {} lanes{}, found {} and {}", rule.name, type_name(sum), lanes,
                       lanes == group ? "" : fmt::format(", or {} shared", group), a.lanes, b.lanes);
  return {};
}

}  // namespace strata::ir::loops
