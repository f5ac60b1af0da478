// How ops take operands whose elements are blocks: what their own blocks say (ir::EncodedRule).
#pragma once

#include "strata/ops/facets/lowering.h"

namespace strata::ops {

/// The element of an encoded operand at an index, as the decode function gives it: what an op reads that takes encoded
/// operands and has no rule on bytes. A plain operand is read as it is.
ir::loops::Expr decoded_operand(ir::Lowering& l, int operand, std::span<const ir::loops::Expr> index);

/// Movements of whole blocks (movement.cpp).
extern const ir::EncodedRule kMoveByReshape, kMoveByTranspose, kMoveByBroadcast, kMoveBySlice, kMoveByConcat,
    kMoveByGather, kMoveByDynamicSlice, kMoveByDynamicUpdateSlice;

/// E0143 unless all operands from `first` on are plain.
void require_plain(const ir::Infer& i, int first);

}  // namespace strata::ops
