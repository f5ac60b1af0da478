// Dot products of groups of lanes, and what puts lanes beside each other: by the instruction that means the same where
// the target has one, else written out.
#include <llvm/IR/IntrinsicsX86.h>

#include "strata/compiler/backends/llvm/kernel_emitter.h"
#include "strata/ir/loops/legality.h"

namespace strata::compiler::llvm_backend {

using ir::DType;
using llvm::Intrinsic::ID;
namespace intrinsic = llvm::Intrinsic;

namespace {

int lanes_of(const llvm::Value* x) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
  return vector ? static_cast<int>(vector->getNumElements()) : 1;
}

}  // namespace

/// Every `group`-th lane from `first` on, `lanes` of them; of a group that all lanes share, its lane for all of them.
KernelEmitter::Value* KernelEmitter::every_lane(Value* x, int group, int first, int lanes) {
  const bool is_shared = lanes_of(x) == group;
  if (lanes == 1 || is_shared) {
    Value* lane = builder_.CreateExtractElement(x, static_cast<uint64_t>(first));
    return lanes == 1 ? lane : builder_.CreateVectorSplat(static_cast<unsigned>(lanes), lane);
  }
  llvm::SmallVector<int> mask;
  for (int l = 0; l < lanes; ++l) mask.push_back(group * l + first);
  return builder_.CreateShuffleVector(x, mask);
}

/// The instruction that multiplies pairs of i16 and adds the two products, which wraps as the interpreter does; 0 where
/// there is none.
unsigned KernelEmitter::pair_instruction(DType a, DType b, int group, int lanes) const {
  if (group != 2 || a != DType::i16 || b != DType::i16) return 0;
  if (lanes == 4) return intrinsic::x86_sse2_pmadd_wd;
  if (lanes == 8 && cpu_.features.has(machine::CpuFeature::Avx2)) return intrinsic::x86_avx2_pmadd_wd;
  if (lanes == 16 && cpu_.features.has(machine::CpuFeature::Avx512)) return intrinsic::x86_avx512_pmaddw_d_512;
  return 0;
}

/// The one instruction for the whole, which wraps as the interpreter does; 0 where there is none.
unsigned KernelEmitter::dot_instruction(DType a, DType b, DType to, int group, int lanes) const {
  const bool has_512 = cpu_.features.has(machine::CpuFeature::Avx512Vnni);
  const bool has_256 = has_512 || cpu_.features.has(machine::CpuFeature::AvxVnni);
  if (to != DType::i32 || (lanes == 16 ? !has_512 : lanes != 8 && lanes != 4) || !has_256) return 0;
  const bool is_bytes = group == 4 && a != b && ir::dtype_bytes(a) == 1 && ir::dtype_bytes(b) == 1;
  if (is_bytes)
    return lanes == 16  ? intrinsic::x86_avx512_vpdpbusd_512
           : lanes == 8 ? intrinsic::x86_avx512_vpdpbusd_256
                        : intrinsic::x86_avx512_vpdpbusd_128;
  if (group != 2 || a != DType::i16 || b != DType::i16) return 0;
  return lanes == 16  ? intrinsic::x86_avx512_vpdpwssd_512
         : lanes == 8 ? intrinsic::x86_avx512_vpdpwssd_256
                      : intrinsic::x86_avx512_vpdpwssd_128;
}

/// The instruction that multiplies pairs of u8 by i8 and adds the two products into i16, which saturates as the
/// interpreter does; 0 where there is none.
unsigned KernelEmitter::byte_pair_instruction(int lanes) const {
  const auto has = [&](machine::CpuFeature feature) { return cpu_.features.has(feature); };
  if (lanes == 32 && has(machine::CpuFeature::Avx512)) return intrinsic::x86_avx512_pmaddubs_w_512;
  if (!has(machine::CpuFeature::Avx2)) return 0;
  if (lanes == 16) return intrinsic::x86_avx2_pmadd_ub_sw;
  return lanes == 8 ? static_cast<unsigned>(intrinsic::x86_ssse3_pmadd_ub_sw_128) : 0;
}

KernelEmitter::Value* KernelEmitter::emit_byte_pairs(Expr expr, Value* a, Value* b, Value* sum) {
  const int lanes = expr->type.lanes;
  const auto pairs = [&](Value* x) -> Value* {
    auto* all = llvm::FixedVectorType::get(builder_.getInt8Ty(), static_cast<unsigned>(2 * lanes));
    if (lanes_of(x) != 2) return x;
    Value* pair = builder_.CreateBitCast(x, builder_.getInt16Ty());
    return builder_.CreateBitCast(builder_.CreateVectorSplat(static_cast<unsigned>(lanes), pair), all);
  };
  if (const unsigned instruction = lanes > 1 ? byte_pair_instruction(lanes) : 0)
    return builder_.CreateAdd(sum, builder_.CreateIntrinsic(instruction, {}, {pairs(a), pairs(b)}));
  Value* pair = nullptr;
  for (int k = 0; k < 2; ++k) {
    Value* product = builder_.CreateMul(emit_cast(DType::u8, DType::i32, every_lane(a, 2, k, lanes)),
                                        emit_cast(DType::i8, DType::i32, every_lane(b, 2, k, lanes)));
    pair = pair ? builder_.CreateAdd(pair, product) : product;
  }
  pair = builder_.CreateBinaryIntrinsic(intrinsic::smax, pair, constant_int(pair, INT16_MIN));
  pair = builder_.CreateBinaryIntrinsic(intrinsic::smin, pair, constant_int(pair, INT16_MAX));
  return builder_.CreateAdd(sum, builder_.CreateTrunc(pair, sum->getType()));
}

/// VDPBF16PS where the target has it and the sums fill a register.
KernelEmitter::Value* KernelEmitter::emit_flushed_pairs(Expr expr, Value* a, Value* b, Value* sum) {
  const int lanes = expr->type.lanes;
  const ID instruction = lanes == 16  ? intrinsic::x86_avx512bf16_dpbf16ps_512
                         : lanes == 8 ? intrinsic::x86_avx512bf16_dpbf16ps_256
                                      : intrinsic::x86_avx512bf16_dpbf16ps_128;
  if (cpu_.features.has(machine::CpuFeature::Avx512Bf16) && (lanes == 16 || lanes == 8 || lanes == 4)) {
    auto* halves = llvm::FixedVectorType::get(builder_.getBFloatTy(), static_cast<unsigned>(2 * lanes));
    const auto pairs = [&](Value* x) {
      if (lanes_of(x) == 2)
        x = builder_.CreateVectorSplat(static_cast<unsigned>(lanes), builder_.CreateBitCast(x, builder_.getInt32Ty()));
      return builder_.CreateBitCast(x, halves);
    };
    return builder_.CreateIntrinsic(instruction, {}, {sum, pairs(a), pairs(b)});
  }
  for (const int k : {1, 0})
    sum = emit_flushed_fma(emit_cast(DType::bf16, DType::f32, every_lane(a, 2, k, lanes)),
                           emit_cast(DType::bf16, DType::f32, every_lane(b, 2, k, lanes)), sum);
  return sum;
}

KernelEmitter::Value* KernelEmitter::emit_group_dot(Expr expr, Value* a) {
  const int group = ir::loops::group_of(expr->op), lanes = expr->type.lanes;
  const DType from_a = expr->args[0]->type.dtype, from_b = expr->args[1]->type.dtype, to = expr->type.dtype;
  Value* b = evaluate(expr->args[1]);
  Value* sum = evaluate(expr->args[2]);
  if (to == DType::i16) return emit_byte_pairs(expr, a, b, sum);
  if (expr->op == ExprOp::Dot2Flushed) return emit_flushed_pairs(expr, a, b, sum);
  /// A group as one word of 32 bits, for each lane of the sum.
  const auto words = [&](Value* x) {
    if (lanes_of(x) != group) return builder_.CreateBitCast(x, sum->getType());
    return builder_.CreateVectorSplat(static_cast<unsigned>(lanes), builder_.CreateBitCast(x, builder_.getInt32Ty()));
  };
  if (const unsigned instruction = dot_instruction(from_a, from_b, to, group, lanes))
    return builder_.CreateIntrinsic(instruction, {}, {sum, words(a), words(b)});
  if (const unsigned instruction = to == DType::i32 ? pair_instruction(from_a, from_b, group, lanes) : 0) {
    auto* pairs = llvm::FixedVectorType::get(builder_.getInt16Ty(), static_cast<unsigned>(2 * lanes));
    const auto halves = [&](Value* x) { return builder_.CreateBitCast(words(x), pairs); };
    return builder_.CreateAdd(sum, builder_.CreateIntrinsic(instruction, {}, {halves(a), halves(b)}));
  }
  for (int k = 0; k < group; ++k) {
    Value* x = emit_cast(from_a, to, every_lane(a, group, k, lanes));
    Value* y = emit_cast(from_b, to, every_lane(b, group, k, lanes));
    if (ir::is_float(to))
      sum = builder_.CreateIntrinsic(intrinsic::fma, {sum->getType()}, {x, y, sum});
    else
      sum = builder_.CreateAdd(sum, builder_.CreateMul(x, y));
  }
  return sum;
}

KernelEmitter::Value* KernelEmitter::emit_interleave(Expr expr, Value* a) {
  Value* b = evaluate(expr->args[1]);
  const int lanes = expr->type.lanes;
  if (lanes == 2) {
    Value* pair = llvm::PoisonValue::get(type_of(expr->type));
    return builder_.CreateInsertElement(builder_.CreateInsertElement(pair, a, uint64_t{0}), b, uint64_t{1});
  }
  llvm::SmallVector<int> mask;
  for (int l = 0; l < lanes / 2; ++l) {
    mask.push_back(l);
    mask.push_back(lanes / 2 + l);
  }
  return builder_.CreateShuffleVector(a, b, mask);
}

}  // namespace strata::compiler::llvm_backend
