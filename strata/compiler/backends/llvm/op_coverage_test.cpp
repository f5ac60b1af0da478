// Every op on every dtype it takes, and every cast between dtypes, on special values: native code against the
// interpreter.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "strata/compiler/testing/native_comparison.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler::llvm_backend {
namespace {

using namespace ir::loops;
using ir::DType;

/// out_i[j] = f_i(x[j], y[j], z[j]) for j < 2016 by vectors, with x, y, z full of special values.
class ElementwiseKernel {
 public:
  static constexpr int64_t kElements = 2016;

  ElementwiseKernel(std::string name, std::vector<DType> inputs, int lanes) : lanes_(lanes) {
    kernel_.context = std::make_shared<LoopContext>();
    kernel_.name = std::move(name);
    var_ = context().loop_var("j");
    index_ = lanes == 1 ? context().loop(var_) : context().ramp(context().loop(var_), 1, lanes);
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs_.push_back(add_buffer(fmt::format("x{}", i), inputs[i], BufferKind::Input));
  }
  LoopContext& context() { return *kernel_.context; }
  Expr input(size_t i) { return context().load(inputs_[i], {index_}); }
  void output(const std::string& name, Expr value) {
    body_.push_back(make_store(add_buffer(name, value->type.dtype, BufferKind::Output), {index_}, value));
  }
  Kernel& finish() {
    auto& c = context();
    kernel_.body = {make_for(var_, c.i64(0), c.i64(kElements), LoopKind::Serial, body_, lanes_)};
    return kernel_;
  }

 private:
  const Buffer* add_buffer(const std::string& name, DType dtype, BufferKind kind) {
    const Buffer* buffer = context().buffer({name, dtype, {ir::Dim(kElements)}, kind});
    kernel_.params.push_back(buffer);
    return buffer;
  }
  Kernel kernel_;
  int lanes_;
  const LoopVar* var_;
  Expr index_;
  std::vector<const Buffer*> inputs_;
  std::vector<StmtPtr> body_;
};

bool is_half_or_bool(DType type) { return ir::is_half_float(type) || ir::is_bool(type); }

/// Without the sign of a NaN, which is no part of the meaning.
Expr without_nan(LoopContext& c, Expr x) {
  if (!ir::is_float(x->type.dtype)) return x;
  const Expr wide = c.cast(DType::f64, x);
  return c.select(c.binary(ExprOp::Eq, wide, wide), x, c.broadcast(c.constant(x->type.dtype, 0.0), x->type.lanes));
}

class EveryOp : public testing::TestWithParam<DType> {};

TEST_P(EveryOp, GivesTheInterpretersBitsOnSpecialValues) {
  const DType dtype = GetParam();
  // 12 lanes fill no register of any level.
  for (int lanes : {1, ir::is_float(dtype) ? 16 : 12}) {
    ElementwiseKernel made("ops", {dtype, dtype, dtype, DType::boolean}, lanes);
    auto& c = made.context();
    for (const OpRule& rule : op_rules()) {
      if (!in_domain(rule.domain, dtype) || rule.op == ExprOp::Cast || rule.op == ExprOp::Bitcast) continue;
      const Expr x = made.input(0), y = made.input(1);
      const std::string name(rule.name);
      if (rule.op == ExprOp::Select)
        made.output(name, c.select(made.input(3), x, y));
      else if (rule.op == ExprOp::Fma || rule.op == ExprOp::FmaFlushed)
        made.output(name, c.fma(x, y, made.input(2), rule.op));
      else if (rule.op == ExprOp::CopySign)
        made.output(name, c.binary(rule.op, x, without_nan(c, y)));
      else if (rule.arity == 1)
        made.output(name, c.unary(rule.op, x));
      else
        made.output(name, c.binary(rule.op, x, y));
    }
    EXPECT_EQ(compare_with_interpreter({&made.finish()}, {}, 1), "") << ir::dtype_name(dtype) << " x " << lanes;
  }
}

TEST_P(EveryOp, WithAConstantOperandGivesTheInterpretersBits) {
  const DType dtype = GetParam();
  if (is_half_or_bool(dtype)) return;
  ElementwiseKernel made("constants", {dtype}, 8);
  auto& c = made.context();
  for (double value : {0.0, -0.0, -1.0, 3.0, 4.0, 1e30}) {
    const Expr constant = c.constant(dtype, value);
    for (const OpRule& rule : op_rules()) {
      if (!in_domain(rule.domain, dtype) || rule.arity != 2 || rule.op == ExprOp::CopySign) continue;
      made.output(fmt::format("{}_{}", rule.name, value), c.binary(rule.op, made.input(0), constant));
      made.output(fmt::format("{}_{}_swapped", rule.name, value), c.binary(rule.op, constant, made.input(0)));
    }
  }
  EXPECT_EQ(compare_with_interpreter({&made.finish()}, {}, 3), "");
}

TEST_P(EveryOp, CastsToEveryDtypeGiveTheInterpretersBits) {
  const DType from = GetParam();
  for (int lanes : {1, 16}) {
    ElementwiseKernel made("casts", {from}, lanes);
    auto& c = made.context();
    for (DType to : ir::kAllDTypes) {
      made.output(std::string(ir::dtype_name(to)), c.cast(to, made.input(0)));
      if (to == from || is_half_or_bool(from) != is_half_or_bool(to)) continue;
      if (ir::is_bool(from) || ir::is_bool(to) || ir::dtype_bytes(from) != ir::dtype_bytes(to)) continue;
      made.output(fmt::format("{}_bits", ir::dtype_name(to)), c.bitcast(to, without_nan(c, made.input(0))));
    }
    EXPECT_EQ(compare_with_interpreter({&made.finish()}, {}, 2), "") << ir::dtype_name(from) << " x " << lanes;
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, EveryOp, testing::ValuesIn(ir::kAllDTypes),
                         [](const auto& info) { return std::string(ir::dtype_name(info.param)); });

}  // namespace
}  // namespace strata::compiler::llvm_backend
