// Expressions: leaves, arithmetic, comparisons. Every op has the meaning of strata/ir/loops/expr.h on every input: the
// guards that LLVM's own instructions need (division, shifts, min and max of zeros and NaNs) are written out here.
#include <llvm/IR/MDBuilder.h>

#include <utility>

#include "strata/compiler/backends/llvm/kernel_emitter.h"
#include "strata/ir/loops/huge_angle.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler::llvm_backend {

using ir::DType;
using llvm::Intrinsic::ID;
namespace intrinsic = llvm::Intrinsic;

llvm::Type* KernelEmitter::scalar_type(DType type) {
  switch (type) {
    case DType::f64:
      return llvm::Type::getDoubleTy(context_);
    case DType::f32:
      return llvm::Type::getFloatTy(context_);
    case DType::f16:
    case DType::bf16:
      return llvm::Type::getInt16Ty(context_);
    case DType::boolean:
      return llvm::Type::getInt1Ty(context_);
    default:
      return llvm::Type::getIntNTy(context_, static_cast<unsigned>(ir::dtype_bytes(type) * 8));
  }
}

llvm::Type* KernelEmitter::memory_type(DType type) {
  return ir::is_bool(type) ? llvm::Type::getInt8Ty(context_) : scalar_type(type);
}

llvm::Type* KernelEmitter::type_of(ir::loops::ScalarType type) {
  llvm::Type* scalar = scalar_type(type.dtype);
  return type.lanes == 1 ? scalar : llvm::FixedVectorType::get(scalar, type.lanes);
}

llvm::Type* KernelEmitter::same_lanes(Value* like, llvm::Type* scalar) {
  return like->getType()->getWithNewType(scalar);
}

KernelEmitter::Value* KernelEmitter::constant_bits(DType type, uint64_t bits, int lanes) {
  llvm::Type* scalar = scalar_type(type);
  const unsigned width = scalar->getScalarSizeInBits();
  const llvm::APInt pattern = llvm::APInt(64, bits).zextOrTrunc(width);
  llvm::Constant* value = scalar->isFloatingPointTy()
                              ? llvm::ConstantFP::get(context_, llvm::APFloat(scalar->getFltSemantics(), pattern))
                              : static_cast<llvm::Constant*>(llvm::ConstantInt::get(context_, pattern));
  if (lanes == 1) return value;
  return llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(static_cast<unsigned>(lanes)), value);
}

KernelEmitter::Value* KernelEmitter::constant_int(Value* like, int64_t value) {
  return llvm::ConstantInt::get(like->getType(), static_cast<uint64_t>(value), /*IsSigned=*/true);
}

bool KernelEmitter::is_pure(Expr expr) {
  if (expr->op == ExprOp::Load) return false;
  if (expr->op == ExprOp::Read) return !expr->local->is_mutable;
  if (expr->arg_count == 0) return true;
  if (auto found = pure_.find(expr); found != pure_.end()) return found->second;
  bool pure = true;
  for (int i = 0; i < expr->arg_count && pure; ++i) pure = is_pure(expr->args[i]);
  return pure_[expr] = pure;
}

KernelEmitter::Value* KernelEmitter::evaluate(Expr expr) {
  switch (expr->op) {
    case ExprOp::Constant:
      return constant_bits(expr->type.dtype, expr->bits, expr->type.lanes);
    case ExprOp::DimSymbol:
      return dim_argument(expr->symbol);
    case ExprOp::Loop:
      return loops_.at(expr->loop);
    case ExprOp::Read: {
      Value* local = locals_.at(expr->local);
      return expr->local->is_mutable ? builder_.CreateLoad(type_of(expr->type), local) : local;
    }
    default:
      break;
  }
  if (auto found = memo_.find(expr); found != memo_.end()) {
    if (found->second.epoch == 0 || found->second.epoch == epoch_) return found->second.value;
  }
  Value* value = emit_expr(expr);
  const auto [entry, is_new] = memo_.insert_or_assign(expr, Memo{value, is_pure(expr) ? 0 : epoch_});
  if (is_new) memo_log_.push_back(expr);
  return value;
}

KernelEmitter::Value* KernelEmitter::emit_expr(Expr expr) {
  const auto lanes = static_cast<unsigned>(expr->type.lanes);
  if (expr->op == ExprOp::Load) return emit_load(expr);
  if (expr->op == ExprOp::Ramp) return emit_ramp(expr);
  Value* a = evaluate(expr->args[0]);
  const DType type = expr->args[0]->type.dtype;
  switch (expr->op) {
    case ExprOp::Broadcast:
      return lanes == 1 ? a : builder_.CreateVectorSplat(lanes, a);
    case ExprOp::Lane:
      return a->getType()->isVectorTy() ? builder_.CreateExtractElement(a, static_cast<uint64_t>(expr->imm)) : a;
    case ExprOp::Cast:
      return emit_cast(type, expr->type.dtype, a);
    case ExprOp::Bitcast:
      if (expr->type.lanes != expr->args[0]->type.lanes) return builder_.CreateBitCast(a, type_of(expr->type));
      return emit_bitcast(type, expr->type.dtype, a);
    case ExprOp::Fma: {
      Value* b = evaluate(expr->args[1]);
      return builder_.CreateIntrinsic(intrinsic::fma, {a->getType()}, {a, b, evaluate(expr->args[2])});
    }
    case ExprOp::FmaFlushed: {
      Value* b = evaluate(expr->args[1]);
      return emit_flushed_fma(a, b, evaluate(expr->args[2]));
    }
    case ExprOp::Select: {
      Value* b = evaluate(expr->args[1]);
      return builder_.CreateSelect(a, b, evaluate(expr->args[2]));
    }
    case ExprOp::Dot2:
    case ExprOp::Dot2Flushed:
    case ExprOp::Dot4:
      return emit_group_dot(expr, a);
    case ExprOp::Interleave:
      return emit_interleave(expr, a);
    default:
      break;
  }
  if (expr->arg_count == 1) return emit_unary(expr->op, type, a);
  return emit_binary(expr->op, type, a, evaluate(expr->args[1]));
}

KernelEmitter::Value* KernelEmitter::emit_flushed(Value* x) {
  const llvm::fltSemantics& kind = x->getType()->getScalarType()->getFltSemantics();
  Value* least = llvm::ConstantFP::get(x->getType(), llvm::APFloat::getSmallestNormalized(kind));
  Value* is_small = builder_.CreateFCmpOLT(builder_.CreateUnaryIntrinsic(intrinsic::fabs, x), least);
  Value* zero = builder_.CreateBinaryIntrinsic(intrinsic::copysign, llvm::Constant::getNullValue(x->getType()), x);
  return builder_.CreateSelect(is_small, zero, x);
}

/// As ir::loops::flushed_fma: small is what is small of twice the result.
KernelEmitter::Value* KernelEmitter::emit_flushed_fma(Value* a, Value* b, Value* sum) {
  a = emit_flushed(a), b = emit_flushed(b), sum = emit_flushed(sum);
  llvm::Type* type = sum->getType();
  Value* result = builder_.CreateIntrinsic(intrinsic::fma, {type}, {a, b, sum});
  Value* twice =
      builder_.CreateIntrinsic(intrinsic::fma, {type}, {builder_.CreateFAdd(a, a), b, builder_.CreateFAdd(sum, sum)});
  llvm::APFloat least = llvm::APFloat::getSmallestNormalized(type->getScalarType()->getFltSemantics());
  least.add(least, llvm::APFloat::rmNearestTiesToEven);
  Value* is_small =
      builder_.CreateFCmpOLT(builder_.CreateUnaryIntrinsic(intrinsic::fabs, twice), llvm::ConstantFP::get(type, least));
  Value* zero = builder_.CreateBinaryIntrinsic(intrinsic::copysign, llvm::Constant::getNullValue(type), result);
  return builder_.CreateSelect(is_small, zero, result);
}

KernelEmitter::Value* KernelEmitter::emit_ramp(Expr expr) {
  const int lanes = expr->type.lanes;
  Value* base = evaluate(expr->args[0]);
  if (lanes == 1) return base;
  const auto stride = static_cast<int64_t>(expr->args[1]->bits);
  llvm::SmallVector<llvm::Constant*> steps;
  for (int64_t lane = 0; lane < lanes; ++lane) steps.push_back(builder_.getInt64(static_cast<uint64_t>(lane * stride)));
  return builder_.CreateAdd(builder_.CreateVectorSplat(static_cast<unsigned>(lanes), base),
                            llvm::ConstantVector::get(steps));
}

KernelEmitter::Value* KernelEmitter::emit_unary(ExprOp op, DType type, Value* a) {
  const bool is_float = ir::is_float(type);
  switch (op) {
    case ExprOp::Neg:
      return is_float ? builder_.CreateFNeg(a) : builder_.CreateNeg(a);
    case ExprOp::Abs:
      if (is_float) return builder_.CreateUnaryIntrinsic(intrinsic::fabs, a);
      if (ir::is_unsigned_int(type)) return a;
      return builder_.CreateBinaryIntrinsic(intrinsic::abs, a, builder_.getFalse());
    case ExprOp::Not:
      return builder_.CreateNot(a);
    case ExprOp::Sqrt:
      return builder_.CreateUnaryIntrinsic(intrinsic::sqrt, a);
    case ExprOp::Floor:
      return builder_.CreateUnaryIntrinsic(intrinsic::floor, a);
    case ExprOp::Ceil:
      return builder_.CreateUnaryIntrinsic(intrinsic::ceil, a);
    case ExprOp::RoundEven:
      return builder_.CreateUnaryIntrinsic(intrinsic::roundeven, a);
    case ExprOp::HugeAngle:
    case ExprOp::HugeQuadrant:
      return emit_huge(op, a);
    default:
      return builder_.CreateUnaryIntrinsic(intrinsic::trunc, a);
  }
}

/// Calls the host's function lane by lane, where there is a huge lane at all.
KernelEmitter::Value* KernelEmitter::emit_huge(ExprOp op, Value* x) {
  llvm::Type* type = x->getType();
  llvm::Type* f64 = builder_.getDoubleTy();
  // Not (|x| <= bound): NaN and infinity have their answers there, too.
  Value* is_huge = builder_.CreateFCmpUGT(builder_.CreateUnaryIntrinsic(intrinsic::fabs, x),
                                          llvm::ConstantFP::get(type, ir::loops::kHugeAngle));
  if (type->isVectorTy()) is_huge = builder_.CreateOrReduce(is_huge);
  llvm::BasicBlock* before = builder_.GetInsertBlock();
  auto* slow = new_block("huge");
  auto* after = new_block("angle");
  builder_.CreateCondBr(is_huge, slow, after, llvm::MDBuilder(builder_.getContext()).createBranchWeights(1, 10000));

  builder_.SetInsertPoint(slow);
  llvm::FunctionCallee callee =
      module_.getOrInsertFunction(op == ExprOp::HugeAngle ? "strata_huge_angle" : "strata_huge_quadrant", f64, f64);
  const auto of_lane = [&](Value* lane) {
    llvm::CallInst* call = builder_.CreateCall(callee, {builder_.CreateFPCast(lane, f64)});
    call->setDoesNotThrow();
    call->setDoesNotAccessMemory();
    return builder_.CreateFPCast(call, lane->getType());
  };
  Value* found = x;
  if (const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type))
    for (unsigned lane = 0; lane < vector->getNumElements(); ++lane)
      found = builder_.CreateInsertElement(found, of_lane(builder_.CreateExtractElement(x, lane)), lane);
  else
    found = of_lane(x);
  llvm::BasicBlock* slow_end = builder_.GetInsertBlock();
  builder_.CreateBr(after);

  builder_.SetInsertPoint(after);
  llvm::PHINode* answer = builder_.CreatePHI(type, 2);
  answer->addIncoming(llvm::Constant::getNullValue(type), before);
  answer->addIncoming(found, slow_end);
  return answer;
}

KernelEmitter::Value* KernelEmitter::emit_binary(ExprOp op, DType type, Value* a, Value* b) {
  if (op >= ExprOp::Eq && op <= ExprOp::Ge) return emit_compare(op, type, a, b);
  if (!ir::is_float(type)) return emit_int_binary(op, type, a, b);
  switch (op) {
    case ExprOp::Add:
      return builder_.CreateFAdd(a, b);
    case ExprOp::Sub:
      return builder_.CreateFSub(a, b);
    case ExprOp::Mul:
      return builder_.CreateFMul(a, b);
    case ExprOp::Div:
      return builder_.CreateFDiv(a, b);
    case ExprOp::Rem:
      return builder_.CreateFRem(a, b);
    case ExprOp::CopySign:
      return builder_.CreateBinaryIntrinsic(intrinsic::copysign, a, b);
    default:
      return emit_float_extreme(op == ExprOp::Max, a, b);
  }
}

KernelEmitter::Value* KernelEmitter::emit_int_binary(ExprOp op, DType type, Value* a, Value* b) {
  const bool is_signed = ir::is_signed_int(type);
  switch (op) {
    case ExprOp::Add:
      return builder_.CreateAdd(a, b);
    case ExprOp::Sub:
      return builder_.CreateSub(a, b);
    case ExprOp::Mul:
      return builder_.CreateMul(a, b);
    case ExprOp::And:
      return builder_.CreateAnd(a, b);
    case ExprOp::Or:
      return builder_.CreateOr(a, b);
    case ExprOp::Xor:
      return builder_.CreateXor(a, b);
    case ExprOp::Min:
      return builder_.CreateBinaryIntrinsic(is_signed ? intrinsic::smin : intrinsic::umin, a, b);
    case ExprOp::Max:
      return builder_.CreateBinaryIntrinsic(is_signed ? intrinsic::smax : intrinsic::umax, a, b);
    case ExprOp::Div:
    case ExprOp::Rem:
      return emit_divide(op, is_signed, a, b);
    case ExprOp::FloorDiv:
    case ExprOp::FloorMod:
      return emit_floor_divide(op, is_signed, a, b);
    default:
      return emit_shift(op, a, b);
  }
}

namespace {

/// The splat constant that a divisor is, if it is one.
const llvm::APInt* splat_constant(llvm::Value* value) {
  auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (!constant) return nullptr;
  if (constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  auto* integer = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant);
  return integer ? &integer->getValue() : nullptr;
}

}  // namespace

/// x/0 = -1, x%0 = x, MIN/-1 = MIN, MIN%-1 = 0: the divisor is replaced by 1 where the instruction would trap.
KernelEmitter::Value* KernelEmitter::emit_divide(ExprOp op, bool is_signed, Value* a, Value* b) {
  const bool quotient = op == ExprOp::Div;
  auto divide = [&](Value* by) {
    if (quotient) return is_signed ? builder_.CreateSDiv(a, by) : builder_.CreateUDiv(a, by);
    return is_signed ? builder_.CreateSRem(a, by) : builder_.CreateURem(a, by);
  };
  const llvm::APInt* known = splat_constant(b);
  if (known && !known->isZero() && !(is_signed && known->isAllOnes())) return divide(b);
  Value* zero = builder_.CreateICmpEQ(b, constant_int(b, 0));
  Value* trap = zero;
  Value* minus_one = is_signed ? builder_.CreateICmpEQ(b, constant_int(b, -1)) : nullptr;
  if (is_signed) trap = builder_.CreateOr(zero, minus_one);
  Value* result = divide(builder_.CreateSelect(trap, constant_int(b, 1), b));
  if (is_signed && quotient) result = builder_.CreateSelect(minus_one, builder_.CreateNeg(a), result);
  return builder_.CreateSelect(zero, quotient ? constant_int(a, -1) : a, result);
}

KernelEmitter::Value* KernelEmitter::emit_floor_divide(ExprOp op, bool is_signed, Value* a, Value* b) {
  const bool quotient = op == ExprOp::FloorDiv;
  const llvm::APInt* known = splat_constant(b);
  if (is_signed && known && known->isStrictlyPositive() && known->isPowerOf2()) {
    if (quotient) return builder_.CreateAShr(a, constant_int(a, known->logBase2()));
    return builder_.CreateAnd(a, constant_int(a, known->getSExtValue() - 1));
  }
  if (!is_signed) return emit_divide(quotient ? ExprOp::Div : ExprOp::Rem, false, a, b);
  Value* rest = emit_divide(ExprOp::Rem, true, a, b);
  // Divisors that are not positive keep the interpreter's answers: no adjustment at 0, the floor's below it.
  Value* adjust = builder_.CreateICmpSLT(builder_.CreateXor(rest, b), constant_int(a, 0));
  adjust = builder_.CreateAnd(adjust, builder_.CreateICmpNE(rest, constant_int(a, 0)));
  if (!known || known->isZero()) adjust = builder_.CreateAnd(adjust, builder_.CreateICmpNE(b, constant_int(a, 0)));
  if (!quotient) return builder_.CreateAdd(rest, builder_.CreateSelect(adjust, b, constant_int(a, 0)));
  Value* truncated = emit_divide(ExprOp::Div, true, a, b);
  return builder_.CreateAdd(truncated, builder_.CreateSExt(adjust, a->getType()));
}

/// An amount of the width or more gives 0 (ShrArith: the sign), where LLVM's shifts are poison.
KernelEmitter::Value* KernelEmitter::emit_shift(ExprOp op, Value* a, Value* amount) {
  const auto bits = static_cast<int64_t>(a->getType()->getScalarSizeInBits());
  if (op == ExprOp::ShrArith) {
    Value* bounded = builder_.CreateBinaryIntrinsic(intrinsic::umin, amount, constant_int(a, bits - 1));
    return builder_.CreateAShr(a, bounded);
  }
  Value* shifted = op == ExprOp::Shl ? builder_.CreateShl(a, amount) : builder_.CreateLShr(a, amount);
  return builder_.CreateSelect(builder_.CreateICmpULT(amount, constant_int(a, bits)), shifted, constant_int(a, 0));
}

/// x86's min and max return their second operand when the operands are equal or either is a NaN:
/// min(a, b) = a < b ? a : b.
///   constant c that is no NaN:  min(c, x) has every case right but one sign of zero          1-2 instructions
///   Min:  min(a,b) | min(b,a)               zeros: either sign bit; NaN | anything is a NaN   3 instructions
///   Max:  (max(a,b) & max(b,a)) | unordered(a, b)   zeros: both sign bits; an all-ones mask is a NaN   5 instructions
/// llvm.minimum and llvm.maximum are right too, at 5 to 9 instructions.
KernelEmitter::Value* KernelEmitter::emit_float_extreme(bool is_max, Value* a, Value* b) {
  auto first_or_second = [&](Value* x, Value* y) {
    return builder_.CreateSelect(is_max ? builder_.CreateFCmpOGT(x, y) : builder_.CreateFCmpOLT(x, y), x, y);
  };
  auto constant_value = [](Value* v) -> const llvm::ConstantFP* {
    auto* constant = llvm::dyn_cast<llvm::Constant>(v);
    if (constant && v->getType()->isVectorTy()) constant = constant->getSplatValue();
    return llvm::dyn_cast_or_null<llvm::ConstantFP>(constant);
  };
  if (constant_value(a)) std::swap(a, b);
  if (const auto* known = constant_value(b); known && !known->isNaN()) {
    Value* extreme = first_or_second(b, a);
    if (!known->isZero() || known->isNegative() == is_max) return extreme;
    // max(+0, x): clear the sign of -0. min(-0, x): the result is never positive.
    Value* magnitude = builder_.CreateUnaryIntrinsic(intrinsic::fabs, extreme);
    return is_max ? magnitude : builder_.CreateFNeg(magnitude);
  }
  llvm::Type* word = same_lanes(a, builder_.getIntNTy(a->getType()->getScalarSizeInBits()));
  Value* forward = builder_.CreateBitCast(first_or_second(a, b), word);
  Value* backward = builder_.CreateBitCast(first_or_second(b, a), word);
  if (!is_max) return builder_.CreateBitCast(builder_.CreateOr(forward, backward), a->getType());
  Value* unordered = builder_.CreateSExt(builder_.CreateFCmpUNO(a, b), word);
  return builder_.CreateBitCast(builder_.CreateOr(builder_.CreateAnd(forward, backward), unordered), a->getType());
}

KernelEmitter::Value* KernelEmitter::emit_compare(ExprOp op, DType type, Value* a, Value* b) {
  using P = llvm::CmpInst::Predicate;
  constexpr P ordered[] = {P::FCMP_OEQ, P::FCMP_UNE, P::FCMP_OLT, P::FCMP_OLE, P::FCMP_OGT, P::FCMP_OGE};
  constexpr P with_sign[] = {P::ICMP_EQ, P::ICMP_NE, P::ICMP_SLT, P::ICMP_SLE, P::ICMP_SGT, P::ICMP_SGE};
  constexpr P without_sign[] = {P::ICMP_EQ, P::ICMP_NE, P::ICMP_ULT, P::ICMP_ULE, P::ICMP_UGT, P::ICMP_UGE};
  const int index = static_cast<int>(op) - static_cast<int>(ExprOp::Eq);
  if (ir::is_float(type)) return builder_.CreateFCmp(ordered[index], a, b);
  return builder_.CreateICmp(ir::is_signed_int(type) ? with_sign[index] : without_sign[index], a, b);
}

}  // namespace strata::compiler::llvm_backend
