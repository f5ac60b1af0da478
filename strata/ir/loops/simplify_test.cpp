// Simplification must not change a bit: random expressions, made as one (and simplified) and made step by step through
// mutable locals, through which nothing can be simplified.
#include "strata/ir/loops/simplify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::ir::loops {
namespace {

constexpr int kLanes = 4;

/// Builds the same random expression twice.
class RandomExpression {
 public:
  RandomExpression(LoopContext& context, const Buffer* input, uint64_t seed)
      : context_(context), input_(input), random_(seed) {}

  struct Both {
    Expr whole, steps;
  };

  /// Parts are used again, so that rules on equal operands meet some.
  Both make(ScalarType type, int depth) {
    auto& known = made_[{type.dtype, type.lanes}];
    if (!known.empty() && depth < 5 && pick(5) == 0) return known[pick(static_cast<int>(known.size()))];
    const Both made = make_new(type, depth);
    made_[{type.dtype, type.lanes}].push_back(made);
    return made;
  }

  std::vector<StmtPtr> statements;

 private:
  Both make_new(ScalarType type, int depth) {
    if (depth <= 0 || (depth < 5 && pick(10) == 0)) return leaf(type);
    if (type == ScalarType{DType::i64, kLanes} && pick(2) == 0) {
      const int64_t stride = pick(5) - 2;
      return step([&](Expr e) { return context_.ramp(e, stride, kLanes); }, make({DType::i64, 1}, depth - 1));
    }
    if (type.dtype == DType::i64 && pick(3)) return index_operation(type, depth);
    if (type.lanes > 1 && pick(5) == 0) {
      const Both scalar = make(type.with_lanes(1), depth - 1);
      return step([&](Expr e) { return context_.broadcast(e, kLanes); }, scalar);
    }
    if (type.lanes == 1 && pick(6) == 0) {
      const int lane = pick(kLanes);
      return step([&](Expr e) { return context_.lane(e, lane); }, make(type.with_lanes(kLanes), depth - 1));
    }
    if (pick(7) == 0) {
      const DType from = any_type();
      return step([&](Expr e) { return context_.cast(type.dtype, e); }, make({from, type.lanes}, depth - 1));
    }
    return operation(type, depth);
  }

  int pick(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  DType any_type() {
    constexpr DType types[] = {DType::i64, DType::i32, DType::u8, DType::f32, DType::boolean, DType::f64, DType::i16};
    return types[pick(7)];
  }

  Expr opaque(Expr value) {
    const Local* local = context_.local("t", value->type, true);
    statements.push_back(make_declare(local, value));
    return context_.read(local);
  }

  template <class F, class... E>
  Both step(F f, E... operands) {
    const Expr whole = f(operands.whole...);
    const Expr steps = f(operands.steps...);
    return {whole, opaque(steps)};
  }

  Both constant(ScalarType type) {
    constexpr double values[] = {0, 1, -1, 2, 3, 7, 255, -128, 2147483647, 0.5};
    const Expr made = context_.broadcast(context_.constant(type.dtype, values[pick(10)]), type.lanes);
    return {made, opaque(made)};
  }

  Both leaf(ScalarType type) {
    if (pick(2)) return constant(type);
    Expr at = context_.i64(pick(8));
    if (type.lanes > 1) at = context_.ramp(at, 1, type.lanes);
    const Expr loaded = context_.load(input_, {at});
    const Expr value = is_int(type.dtype) && dtype_bytes(type.dtype) == 8 ? context_.bitcast(type.dtype, loaded)
                                                                          : context_.cast(type.dtype, loaded);
    return {value, opaque(value)};
  }

  /// Most rules are about sums and products of integers.
  Both index_operation(ScalarType type, int depth) {
    constexpr ExprOp ops[] = {ExprOp::Add, ExprOp::Sub, ExprOp::Mul, ExprOp::Add, ExprOp::Sub, ExprOp::FloorDiv};
    const ExprOp op = ops[pick(6)];
    const Both a = make(type, depth - 1), b = pick(3) ? make(type, depth - 1) : constant(type);
    return step([&](Expr x, Expr y) { return context_.binary(op, x, y); }, a, b);
  }

  Both operation(ScalarType type, int depth) {
    ExprOp op = ExprOp::Select;
    DType operand = type.dtype;
    for (bool fits = false; !fits;) {
      const OpRule& rule = op_rules()[pick(kExprOpCount)];
      op = rule.op;
      operand = rule.compares ? any_type() : type.dtype;
      fits = in_domain(rule.domain, operand) && (!rule.compares || is_bool(type.dtype)) && op != ExprOp::Cast &&
             op != ExprOp::Bitcast;
    }
    const OpRule& rule = op_rule(op);
    const ScalarType in{operand, type.lanes};
    if (rule.op == ExprOp::Select)
      return step([&](Expr c, Expr a, Expr b) { return context_.select(c, a, b); },
                  make({DType::boolean, type.lanes}, depth - 1), make(in, depth - 1), make(in, depth - 1));
    if (rule.arity == 1) return step([&](Expr a) { return context_.unary(rule.op, a); }, make(in, depth - 1));
    if (rule.arity == 3)
      return step([&](Expr a, Expr b, Expr c) { return context_.fma(a, b, c); }, make(in, depth - 1),
                  make(in, depth - 1), make(in, depth - 1));
    return step([&](Expr a, Expr b) { return context_.binary(rule.op, a, b); }, make(in, depth - 1),
                make(in, depth - 1));
  }

  LoopContext& context_;
  const Buffer* input_;
  std::mt19937_64 random_;
  std::map<std::pair<DType, int>, std::vector<Both>> made_;
};

Kernel random_kernel(uint64_t seed, ScalarType type) {
  auto context = std::make_shared<LoopContext>();
  Kernel kernel{context, "random", {}, {}, {}, {}};
  kernel.params = {context->buffer({"x", DType::f64, {16}, BufferKind::Input}),
                   context->buffer({"whole", type.dtype, {kLanes}, BufferKind::Output}),
                   context->buffer({"steps", type.dtype, {kLanes}, BufferKind::Output})};
  RandomExpression random(*context, kernel.params[0], seed);
  const auto both = random.make(type, 6);
  kernel.body = random.statements;
  const Expr at = type.lanes > 1 ? context->ramp(context->i64(0), 1, type.lanes) : context->i64(0);
  kernel.body.push_back(make_store(kernel.params[1], {at}, both.whole));
  kernel.body.push_back(make_store(kernel.params[2], {at}, both.steps));
  return kernel;
}

bool is_nan_of(DType type, uint64_t bits) {
  if (type == DType::f32) return (bits & 0x7fffffff) > 0x7f800000;
  return type == DType::f64 && (bits & ~(1ull << 63)) > 0x7ff0000000000000ull;
}

TEST(Simplify, RandomExpressionsKeepTheirBits) {
  const std::vector<double> x = {0,        -0.0,      1,   -1,     2.5, -7,  3e9, -3e18,
                                 INFINITY, -INFINITY, NAN, 1e-310, 255, 0.1, 64,  -64};
  constexpr DType types[] = {DType::i64, DType::f32, DType::i32, DType::boolean, DType::i64, DType::f64, DType::i16};
  for (uint64_t seed = 0; seed < 6000; ++seed) {
    const ScalarType type{types[seed / 2 % 7], static_cast<uint16_t>(seed % 2 ? kLanes : 1)};
    const Kernel kernel = random_kernel(seed, type);
    ASSERT_NO_THROW(verify(kernel)) << print(kernel);
    uint64_t whole[kLanes] = {}, steps[kLanes] = {};
    void* buffers[] = {const_cast<double*>(x.data()), whole, steps};
    RunStatus status;
    interpret(kernel, buffers, {}, status);
    for (int l = 0; l < type.lanes; ++l) {
      const auto lane = [&](const uint64_t* out) {
        uint64_t bits = 0;
        const auto bytes = static_cast<size_t>(dtype_bytes(type.dtype));
        std::memcpy(&bits, reinterpret_cast<const char*>(out) + static_cast<size_t>(l) * bytes, bytes);
        return bits;
      };
      if (is_nan_of(type.dtype, lane(whole)) && is_nan_of(type.dtype, lane(steps))) continue;
      ASSERT_EQ(lane(whole), lane(steps)) << "seed " << seed << " lane " << l << "\n" << print(kernel);
    }
  }
}

TEST(Simplify, RandomKernelsPrintParseAndCopyToTheSame) {
  for (uint64_t seed = 0; seed < 600; ++seed) {
    const Kernel kernel = random_kernel(seed * 31 + 5, {DType::f32, static_cast<uint16_t>(seed % 2 ? kLanes : 1)});
    const std::string text = print(kernel);
    const auto again = parse_kernel(text);
    ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
    ASSERT_EQ(print(*again), text) << "seed " << seed;
    ASSERT_EQ(structural_hash(*again), structural_hash(kernel)) << text;
    ASSERT_EQ(print(copy_kernel(kernel)), text);
  }
}

TEST(Simplify, TheSameExpressionIsTheSamePointer) {
  LoopContext c;
  const Expr i = c.loop(c.loop_var("i")), j = c.loop(c.loop_var("j"));
  const auto add = [&](Expr a, Expr b) { return c.binary(ExprOp::Add, a, b); };
  const auto mul = [&](Expr a, Expr b) { return c.binary(ExprOp::Mul, a, b); };
  EXPECT_EQ(add(i, c.i64(0)), i);
  EXPECT_EQ(mul(c.i64(1), i), i);
  EXPECT_EQ(mul(i, c.i64(0)), c.i64(0));
  EXPECT_EQ(add(add(i, c.i64(3)), add(j, c.i64(4))), add(add(i, j), c.i64(7)));
  EXPECT_EQ(c.binary(ExprOp::Sub, add(i, j), i), j);
  EXPECT_EQ(add(c.ramp(i, 1, 8), c.broadcast(j, 8)), c.ramp(add(i, j), 1, 8));
  EXPECT_EQ(mul(c.ramp(i, 1, 8), c.i64(3)), c.ramp(mul(i, c.i64(3)), 3, 8));
  EXPECT_EQ(c.lane(c.ramp(i, 2, 8), 3), add(i, c.i64(6)));
  EXPECT_EQ(c.dim(Dim::symbol("B") * 2 - 1), add(mul(c.dim(Dim::symbol("B")), c.i64(2)), c.i64(-1)));
  const Expr x = c.read(c.local("x", {DType::f32, 1}, false));
  EXPECT_NE(add(x, c.constant(DType::f32, 0)), x) << "-0 + 0 is 0";
  EXPECT_THROW(add(i, x), base::Error);
  EXPECT_THROW(c.broadcast(c.ramp(i, 1, 4), 4), base::Error);
  EXPECT_THROW(c.lane(x, 1), base::Error);
}

TEST(Simplify, ExpressionsTooDeepForAStackAreRefused) {
  LoopContext c;
  Expr e = c.read(c.local("x", {DType::f32, 1}, false));
  EXPECT_THROW(
      {
        for (int i = 0; i < 10'000; ++i) e = c.unary(ExprOp::Neg, e);
      },
      base::Error);
}

}  // namespace
}  // namespace strata::ir::loops
