// Conversions between element types. The oracle for half floats is strata/ir/dtype.h: nearest-even, one rounding.
//
// f16 uses F16C where the CPU has it and integer arithmetic else; bf16 is integer arithmetic everywhere; f64 goes to
// either by way of an f32 that was rounded to odd, which keeps the second rounding exact. No library call is made.
#include <cmath>

#include "strata/compiler/backends/llvm/kernel_emitter.h"

namespace strata::compiler::llvm_backend {

using ir::DType;
namespace intrinsic = llvm::Intrinsic;

KernelEmitter::Value* KernelEmitter::emit_cast(DType from, DType to, Value* a) {
  if (from == to) return a;
  if (ir::is_half_float(from)) return emit_cast(DType::f32, to, half_to_f32(from, a));
  if (ir::is_half_float(to)) {
    if (from == DType::f64) return f32_to_half(to, f64_to_f32_odd(a));
    return f32_to_half(to, emit_cast(from, DType::f32, a));
  }
  llvm::Type* type = same_lanes(a, scalar_type(to));
  if (ir::is_bool(to)) {
    llvm::Constant* zero = llvm::Constant::getNullValue(a->getType());
    return ir::is_float(from) ? builder_.CreateFCmpUNE(a, zero) : builder_.CreateICmpNE(a, zero);
  }
  if (ir::is_float(from) && ir::is_float(to)) return builder_.CreateFPCast(a, type);
  if (ir::is_float(from)) return emit_float_to_int(to, a);
  const bool is_signed = ir::is_signed_int(from);
  if (ir::is_float(to)) return is_signed ? builder_.CreateSIToFP(a, type) : builder_.CreateUIToFP(a, type);
  return builder_.CreateIntCast(a, type, is_signed);
}

/// Truncates and saturates; NaN gives 0. Clamped first, so that the conversion is in range: llvm.fptosi.sat means the
/// same, but LLVM 19 makes one scalar conversion per lane of it (exp of 8 lanes: 60 instructions instead of 6).
KernelEmitter::Value* KernelEmitter::emit_float_to_int(DType to, Value* a) {
  const bool is_signed = ir::is_signed_int(to);
  const int bits = ir::dtype_bytes(to) * 8, magnitude_bits = is_signed ? bits - 1 : bits;
  const int mantissa_bits = a->getType()->getScalarType()->isFloatTy() ? 24 : 53;
  auto number = [&](double value) { return llvm::ConstantFP::get(a->getType(), value); };
  Value* lowest = number(is_signed ? -std::ldexp(1.0, bits - 1) : 0.0);
  Value* clamped = builder_.CreateSelect(builder_.CreateFCmpOGT(a, lowest), a, lowest);  // also of a NaN
  const bool highest_is_exact = magnitude_bits <= mantissa_bits;
  if (highest_is_exact) {
    Value* highest = number(std::ldexp(1.0, magnitude_bits) - 1);
    clamped = builder_.CreateSelect(builder_.CreateFCmpOLT(clamped, highest), clamped, highest);
  }
  llvm::Type* type = same_lanes(a, scalar_type(to));
  // Narrow results go through i32, for which every CPU has an instruction.
  llvm::Type* wide = bits < 32 ? same_lanes(a, builder_.getInt32Ty()) : type;
  Value* result = is_signed || bits < 32 ? builder_.CreateFPToSI(clamped, wide) : builder_.CreateFPToUI(clamped, wide);
  if (!highest_is_exact) {
    // Beyond the range the conversion is poison until frozen; then it is not chosen.
    Value* too_large = builder_.CreateFCmpOGE(a, number(std::ldexp(1.0, magnitude_bits)));
    llvm::Constant* most =
        llvm::ConstantInt::get(type, is_signed ? llvm::APInt::getSignedMaxValue(static_cast<unsigned>(bits))
                                               : llvm::APInt::getMaxValue(static_cast<unsigned>(bits)));
    result = builder_.CreateSelect(too_large, most, builder_.CreateFreeze(result));
  }
  result = builder_.CreateTrunc(result, type);
  if (!is_signed) return result;  // the clamp has made 0 of a NaN
  return builder_.CreateSelect(builder_.CreateFCmpORD(a, a), result, llvm::Constant::getNullValue(type));
}

KernelEmitter::Value* KernelEmitter::emit_bitcast(DType from, DType to, Value* a) {
  return from == to ? a : builder_.CreateBitCast(a, same_lanes(a, scalar_type(to)));
}

KernelEmitter::Value* KernelEmitter::half_to_f32(DType from, Value* bits) {
  llvm::Type* f32 = same_lanes(bits, builder_.getFloatTy());
  if (from == DType::bf16) {
    Value* word = builder_.CreateZExt(bits, same_lanes(bits, builder_.getInt32Ty()));
    return builder_.CreateBitCast(builder_.CreateShl(word, constant_int(word, 16)), f32);
  }
  if (!cpu_.features.has(machine::CpuFeature::F16c)) return f16_to_f32_by_integers(bits);
  return builder_.CreateFPExt(builder_.CreateBitCast(bits, same_lanes(bits, builder_.getHalfTy())), f32);
}

KernelEmitter::Value* KernelEmitter::f32_to_half(DType to, Value* a) {
  llvm::Type* i16 = same_lanes(a, builder_.getInt16Ty());
  if (to == DType::f16) {
    if (!cpu_.features.has(machine::CpuFeature::F16c)) return f32_to_f16_by_integers(a);
    return builder_.CreateBitCast(builder_.CreateFPTrunc(a, same_lanes(a, builder_.getHalfTy())), i16);
  }
  // (w + 0x7fff + lowest kept bit) >> 16; a NaN keeps its upper half, made quiet.
  Value* word = builder_.CreateBitCast(a, same_lanes(a, builder_.getInt32Ty()));
  Value* kept = builder_.CreateLShr(word, constant_int(word, 16));
  Value* odd = builder_.CreateAnd(kept, constant_int(word, 1));
  Value* rounded = builder_.CreateLShr(builder_.CreateAdd(word, builder_.CreateAdd(odd, constant_int(word, 0x7fff))),
                                       constant_int(word, 16));
  Value* quiet = builder_.CreateOr(kept, constant_int(word, 0x40));
  return builder_.CreateTrunc(builder_.CreateSelect(builder_.CreateFCmpUNO(a, a), quiet, rounded), i16);
}

/// Truncated towards zero with the last bit set if anything was lost. f32 has at least two more bits than f16 and bf16
/// at each exponent, so rounding it to them gives what one rounding of the f64 gives.
KernelEmitter::Value* KernelEmitter::f64_to_f32_odd(Value* a) {
  llvm::Type* f32 = same_lanes(a, builder_.getFloatTy());
  llvm::Type* i32 = same_lanes(a, builder_.getInt32Ty());
  Value* nearest = builder_.CreateFPTrunc(a, f32);
  Value* back = builder_.CreateFPExt(nearest, a->getType());
  Value* inexact = builder_.CreateFCmpONE(back, a);
  Value* too_large = builder_.CreateFCmpOGT(builder_.CreateUnaryIntrinsic(intrinsic::fabs, back),
                                            builder_.CreateUnaryIntrinsic(intrinsic::fabs, a));
  Value* word = builder_.CreateBitCast(nearest, i32);
  Value* truncated = builder_.CreateAdd(word, builder_.CreateSExt(too_large, i32));
  return builder_.CreateBitCast(builder_.CreateOr(truncated, builder_.CreateZExt(inexact, i32)), f32);
}

/// Exponents are rebased by an exact multiplication with 2^112, which also makes normal numbers of denormals.
KernelEmitter::Value* KernelEmitter::f16_to_f32_by_integers(Value* bits) {
  llvm::Type* f32 = same_lanes(bits, builder_.getFloatTy());
  Value* word = builder_.CreateZExt(bits, same_lanes(bits, builder_.getInt32Ty()));
  Value* magnitude = builder_.CreateShl(builder_.CreateAnd(word, constant_int(word, 0x7fff)), constant_int(word, 13));
  Value* scale = llvm::ConstantFP::get(f32, 0x1p112);
  Value* finite =
      builder_.CreateBitCast(builder_.CreateFMul(builder_.CreateBitCast(magnitude, f32), scale), word->getType());
  Value* special = builder_.CreateOr(magnitude, constant_int(word, 0x7f800000));
  Value* is_nan = builder_.CreateICmpUGT(magnitude, constant_int(word, 0x1f << 23));
  special = builder_.CreateSelect(is_nan, builder_.CreateOr(special, constant_int(word, 0x400000)), special);
  Value* is_special = builder_.CreateICmpUGE(magnitude, constant_int(word, 0x1f << 23));
  Value* value = builder_.CreateSelect(is_special, special, finite);
  Value* sign = builder_.CreateShl(builder_.CreateAnd(word, constant_int(word, 0x8000)), constant_int(word, 16));
  return builder_.CreateBitCast(builder_.CreateOr(value, sign), f32);
}

/// Normal results round by adding half an ulp less one plus the lowest kept bit; denormal ones by adding 0.5, whose
/// last place is 2^-24, the unit of f16's denormals: the addition rounds.
KernelEmitter::Value* KernelEmitter::f32_to_f16_by_integers(Value* a) {
  llvm::Type* i32 = same_lanes(a, builder_.getInt32Ty());
  Value* word = builder_.CreateBitCast(a, i32);
  Value* sign = builder_.CreateLShr(builder_.CreateAnd(word, constant_int(word, INT32_MIN)), constant_int(word, 16));
  Value* magnitude = builder_.CreateAnd(word, constant_int(word, INT32_MAX));
  Value* odd = builder_.CreateAnd(builder_.CreateLShr(magnitude, constant_int(word, 13)), constant_int(word, 1));
  Value* rebased = builder_.CreateSub(magnitude, constant_int(word, (112 << 23) - 0xfff));
  Value* normal = builder_.CreateLShr(builder_.CreateAdd(rebased, odd), constant_int(word, 13));
  Value* half = llvm::ConstantFP::get(a->getType(), 0.5);
  Value* shifted = builder_.CreateFAdd(builder_.CreateBitCast(magnitude, a->getType()), half);
  Value* denormal = builder_.CreateSub(builder_.CreateBitCast(shifted, i32), constant_int(word, 0x3f000000));
  Value* value =
      builder_.CreateSelect(builder_.CreateICmpULT(magnitude, constant_int(word, 113 << 23)), denormal, normal);
  Value* overflow = builder_.CreateICmpUGE(magnitude, constant_int(word, 0x477ff000));
  value = builder_.CreateSelect(overflow, constant_int(word, 0x7c00), value);
  Value* is_nan = builder_.CreateICmpUGT(magnitude, constant_int(word, 0x7f800000));
  value = builder_.CreateSelect(is_nan, constant_int(word, 0x7e00), value);
  return builder_.CreateTrunc(builder_.CreateOr(value, sign), same_lanes(a, builder_.getInt16Ty()));
}

}  // namespace strata::compiler::llvm_backend
