// What is known of the integers of a product of blocks (BlockProduct), and so which dot products they may enter.
#pragma once

#include <optional>
#include <string>

#include "strata/compiler/loop/nest/contraction.h"

namespace strata::compiler {

/// How the sums of a block are made.
enum class BlockSums : uint8_t {
  Bytes,  ///< u8 by i8, four at a time, into i32
  Pairs,  ///< u8 by i8, two at a time, into i16: where no pair can saturate and no block leaves i16
  Words,  ///< i16 by i16, two at a time, into i32
};

/// Without casts that keep every value.
ir::loops::Expr inside_of_casts(ir::loops::Expr e);

/// integer = bytes - offset, where `bytes` is u8.
struct UnsignedForm {
  ir::loops::Expr bytes;
  int64_t offset;
  int64_t high;  ///< the largest value of `bytes`
};
/// Empty where the integer is no byte and a constant.
std::optional<UnsignedForm> unsigned_form(ir::loops::LoopContext& context, ir::loops::Expr integer);

/// What is added to the sum of a block so that it lies within i16 whatever the factors are; empty where none does.
std::optional<int64_t> shift_into_i16(const BlockProduct& product);

/// Why the sums of a block can't be made so, whatever the target is; empty: they can.
std::string block_sums_refusal(const BlockProduct& product, BlockSums sums, ir::loops::LoopContext& context);

}  // namespace strata::compiler
