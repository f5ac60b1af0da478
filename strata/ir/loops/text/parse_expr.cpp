#include "strata/ir/loops/text/parse_expr.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/text/literal_text.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::ir::loops {
namespace {

constexpr int kMaxNesting = 160;

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto near = base::nearest_name(name, known);
  return near ? fmt::format("did you mean '{}'?", *near) : std::string();
}

}  // namespace

bool Names::has(std::string_view name) const {
  return loops.contains(name) || locals.contains(name) || std::find(dims.begin(), dims.end(), name) != dims.end();
}

/// The makers' refusals get the place in the text.
template <class F>
Expr ExprParser::make(size_t position, F&& f) {
  try {
    return f();
  } catch (const base::Error& error) {
    if (error.code() == base::code::kMalformedLoops) throw;
    lexer_.fail_at(position, error.message());
  }
}

Expr ExprParser::resolve(const Operand& operand, DType type) {
  if (operand.value) return operand.value;
  const auto bits = literal_bits(type, operand.literal);
  if (!bits)
    lexer_.fail_at(operand.position, fmt::format("{} is not a literal of {}", operand.literal, dtype_name(type)));
  return context_.constant_bits(type, *bits);
}

/// Integers are i64 where nothing says otherwise: index arithmetic.
Expr ExprParser::settle(const Operand& operand) {
  if (operand.value) return operand.value;
  if (operand.literal.find_first_of(".ein") != std::string::npos)
    lexer_.fail_at(operand.position, fmt::format("the type of {} is not clear", operand.literal),
                   fmt::format("write it with its type: {}f32", operand.literal));
  return resolve(operand, DType::i64);
}

Expr ExprParser::typed(DType type) { return resolve(sum(), type); }
Expr ExprParser::any() { return settle(sum()); }

void ExprParser::definition() {
  const Token name = lexer_.next();
  if (name.kind != TextToken::Definition) lexer_.fail_at(name.position, "expected $ and a number behind def");
  lexer_.expect("=", "behind the name of a definition");
  const Expr value = any();
  if (!definitions_.emplace(name.text, value).second)
    lexer_.fail_at(name.position, fmt::format("${} is defined twice for one statement", name.text));
}

const Buffer* ExprParser::buffer(const Token& name) {
  const auto at = names_.buffers.find(name.text);
  if (at != names_.buffers.end()) return at->second;
  std::vector<std::string> known;
  for (const auto& [key, value] : names_.buffers) known.push_back(key);
  lexer_.fail_at(name.position, fmt::format("no buffer %{} here", name.text), did_you_mean(name.text, known));
}

std::vector<Expr> ExprParser::indices() {
  std::vector<Expr> indices;
  lexer_.expect("[", "before the indices");
  if (lexer_.accept("]")) return indices;
  do indices.push_back(typed(DType::i64));
  while (lexer_.accept(","));
  lexer_.expect("]", "behind the indices");
  return indices;
}

ExprParser::Operand ExprParser::combine(ExprOp op, Operand a, Operand b, size_t position) {
  return {operation(op, {std::move(a), std::move(b)}, position), {}, position};
}

ExprParser::Operand ExprParser::sum() {
  if (++depth_ > kMaxNesting) lexer_.fail("the expression is nested too deeply");
  Operand value = product();
  for (;;) {
    const size_t position = lexer_.position();
    if (lexer_.accept("+"))
      value = combine(ExprOp::Add, std::move(value), product(), position);
    else if (lexer_.accept("-"))
      value = combine(ExprOp::Sub, std::move(value), product(), position);
    else
      break;
  }
  --depth_;
  return value;
}

ExprParser::Operand ExprParser::product() {
  Operand value = factor();
  for (;;) {
    const size_t position = lexer_.position();
    if (!lexer_.accept("*")) return value;
    value = combine(ExprOp::Mul, std::move(value), factor(), position);
  }
}

ExprParser::Operand ExprParser::number(bool negative) {
  const Token token = lexer_.next();
  Operand operand{nullptr, (negative ? "-" : "") + std::string(token.text), token.position};
  if (token.suffix.empty()) return operand;
  const auto type = dtype_from_name(token.suffix);
  if (!type) lexer_.fail_at(token.position, fmt::format("'{}' is not the name of a type", token.suffix));
  return {resolve(operand, *type), {}, token.position};
}

ExprParser::Operand ExprParser::factor() {
  const Token token = lexer_.peek();
  if (token.kind == TextToken::Number) return number(false);
  if (token.kind == TextToken::Name) return name();
  if (token.kind == TextToken::Value) {
    lexer_.next();
    const Buffer* from = buffer(token);
    auto at = indices();
    return {make(token.position, [&] { return context_.load(from, std::move(at)); }), {}, token.position};
  }
  if (token.kind == TextToken::Definition) {
    lexer_.next();
    const auto at = definitions_.find(token.text);
    if (at == definitions_.end()) lexer_.fail_at(token.position, fmt::format("${} is not defined here", token.text));
    return {at->second, {}, token.position};
  }
  if (lexer_.accept("(")) {
    Operand inner = sum();
    lexer_.expect(")", "behind the expression");
    return inner;
  }
  if (!lexer_.accept("-")) lexer_.fail(fmt::format("expected an expression, found {}", lexer_.found()));
  if (lexer_.peek().kind == TextToken::Number) return number(true);
  if (lexer_.accept("inf")) return {nullptr, "-inf", token.position};
  if (++depth_ > kMaxNesting) lexer_.fail("the expression is nested too deeply");
  const Expr value = settle(factor());
  --depth_;
  return {make(token.position, [&] { return context_.unary(ExprOp::Neg, value); }), {}, token.position};
}

ExprParser::Operand ExprParser::name() {
  const Token token = lexer_.next();
  if (lexer_.is("(")) return call(token);
  const auto with = [&](Expr value) { return Operand{value, {}, token.position}; };
  if (token.text == "true" || token.text == "false")
    return with(context_.constant_bits(DType::boolean, token.text == "true"));
  if (token.text == "inf") return {nullptr, "inf", token.position};
  if (const auto at = names_.locals.find(token.text); at != names_.locals.end()) return with(context_.read(at->second));
  if (const auto at = names_.loops.find(token.text); at != names_.loops.end()) return with(context_.loop(at->second));
  if (names_.has(token.text)) return with(context_.dim(Dim::symbol(token.text)));
  std::vector<std::string> known = names_.dims;
  for (const auto& entry : names_.locals) known.push_back(entry.first);
  for (const auto& entry : names_.loops) known.push_back(entry.first);
  lexer_.fail_at(token.position, fmt::format("nothing is named '{}' here", token.text),
                 did_you_mean(token.text, known));
}

DType ExprParser::dtype() {
  const Token token = lexer_.next();
  const auto type = dtype_from_name(token.text);
  if (type && token.kind == TextToken::Name) return *type;
  std::vector<std::string> known;
  for (DType t : kAllDTypes) known.emplace_back(dtype_name(t));
  lexer_.fail_at(token.position, fmt::format("'{}' is not the name of a type", token.text),
                 did_you_mean(token.text, known));
}

/// Literals take the type of the first operand that has one; the condition of select does not count.
Expr ExprParser::operation(ExprOp op, std::vector<Operand> operands, size_t position) {
  const size_t first = op == ExprOp::Select ? 1 : 0;
  const auto typed = std::find_if(operands.begin() + static_cast<std::ptrdiff_t>(std::min(first, operands.size())),
                                  operands.end(), [](const Operand& o) { return o.value != nullptr; });
  std::vector<Expr> args;
  for (size_t i = 0; i < operands.size(); ++i)
    args.push_back(i >= first && typed != operands.end() ? resolve(operands[i], typed->value->type.dtype)
                                                         : settle(operands[i]));
  return make(position, [&] {
    if (args.size() == 1) return context_.unary(op, args[0]);
    if (args.size() == 2) return context_.binary(op, args[0], args[1]);
    return op == ExprOp::Select ? context_.select(args[0], args[1], args[2])
                                : context_.fma(args[0], args[1], args[2], op);
  });
}

/// bits(f32, 0x7fc00001)
Expr ExprParser::bits_call() {
  const DType type = dtype();
  lexer_.expect(",", "behind the type");
  const Token hex = lexer_.next();
  uint64_t bits = 0;
  const bool prefixed = hex.kind == TextToken::Number && hex.text.starts_with("0x");
  const char* end = hex.text.data() + hex.text.size();
  if (!prefixed || std::from_chars(hex.text.data() + 2, end, bits, 16).ec != std::errc() || is_bool(type))
    lexer_.fail_at(hex.position, "expected the bits as 0x and hex digits, of a number");
  return context_.constant_bits(type, bits);
}

/// cast(f32, x), bitcast(i32, x)
Expr ExprParser::cast_call(ExprOp op, size_t position) {
  const DType type = dtype();
  lexer_.expect(",", "behind the type");
  const Expr from = any();
  return make(position, [&] { return op == ExprOp::Cast ? context_.cast(type, from) : context_.bitcast(type, from); });
}

/// ramp(base, stride, lanes), broadcast(x, lanes), lane(v, index)
Expr ExprParser::lanes_call(ExprOp op, size_t position) {
  const Expr from = any();
  lexer_.expect(",", "between the operands");
  int64_t stride = 0;
  if (op == ExprOp::Ramp) {
    stride = lexer_.integer("the stride");
    lexer_.expect(",", "between the operands");
  }
  const int64_t count = lexer_.integer(op == ExprOp::Lane ? "the lane" : "the number of lanes");
  if (count < 0 || count > kMaxLanes)
    lexer_.fail_at(position, fmt::format("{} lanes: at most {} work", count, kMaxLanes));
  const int n = count;
  return make(position, [&] {
    if (op == ExprOp::Lane) return context_.lane(from, n);
    return op == ExprOp::Ramp ? context_.ramp(from, stride, n) : context_.broadcast(from, n);
  });
}

/// dot2(a, b, sum), dot4(a, b, sum), interleave(a, b)
Expr ExprParser::group_call(ExprOp op, size_t position) {
  std::vector<Expr> operands;
  do operands.push_back(any());
  while (lexer_.accept(",") && operands.size() < 4);
  if (operands.size() != op_rule(op).arity)
    lexer_.fail_at(position, fmt::format("{} does not take {} operands", expr_op_name(op), operands.size()));
  return make(position, [&] {
    if (op == ExprOp::Interleave) return context_.interleave(operands[0], operands[1]);
    return context_.group_dot(op, operands[0], operands[1], operands[2]);
  });
}

Expr ExprParser::operation_call(ExprOp op, size_t position) {
  std::vector<Operand> operands;
  do operands.push_back(sum());
  while (lexer_.accept(",") && operands.size() < 4);
  if (op_rule(op).domain == Domain::None || operands.size() != op_rule(op).arity)
    lexer_.fail_at(position, fmt::format("{} does not take {} operands", expr_op_name(op), operands.size()));
  return operation(op, std::move(operands), position);
}

ExprParser::Operand ExprParser::call(const Token& name) {
  const auto op = expr_op_from_name(name.text);
  const size_t at = name.position;
  if (!op && name.text != "bits") {
    std::vector<std::string> known;
    for (const OpRule& rule : op_rules()) known.emplace_back(rule.name);
    lexer_.fail_at(at, fmt::format("no op is named '{}'", name.text), did_you_mean(name.text, known));
  }
  lexer_.expect("(", "behind the name of an op");
  Expr value = nullptr;
  if (!op)
    value = bits_call();
  else if (*op == ExprOp::Cast || *op == ExprOp::Bitcast)
    value = cast_call(*op, at);
  else if (group_of(*op) || *op == ExprOp::Interleave)
    value = group_call(*op, at);
  else if (*op == ExprOp::Ramp || *op == ExprOp::Broadcast || *op == ExprOp::Lane)
    value = lanes_call(*op, at);
  else
    value = operation_call(*op, at);
  lexer_.expect(")", "behind the operands");
  return {value, {}, at};
}

}  // namespace strata::ir::loops
