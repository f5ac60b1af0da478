// Expressions of the loop program: pure scalar or vector values over constants, dimensions, loop variables, locals and
// buffer elements.
//
// Nodes live in the arena of their kernel (LoopContext) and are hash-consed: the same expression is the same pointer,
// and a rewrite shares what it does not change. An expression is evaluated where the statement that holds it stands; a
// Load reads the memory of that moment. Arithmetic is exact as written: nothing is contracted, reassociated or
// promoted.
//
// Types: f64, f32, all integers and bool take part in arithmetic; f16 and bf16 only in Load, Cast, Bitcast, Select,
// Broadcast and Store (a half op is: cast to f32, compute, cast back, which is its rounding). Indices are i64.
#pragma once

#include <cstdint>
#include <string_view>

#include "strata/ir/dim.h"
#include "strata/ir/dtype.h"

namespace strata::ir::loops {

struct Buffer;
struct Local;
struct LoopVar;

/// Element type and number of vector lanes (1 = scalar).
struct ScalarType {
  DType dtype = DType::f32;
  uint16_t lanes = 1;
  bool operator==(const ScalarType&) const = default;
  ScalarType with_lanes(int n) const { return {dtype, static_cast<uint16_t>(n)}; }
};

enum class ExprOp : uint8_t {
  // leaves
  Constant,   ///< `bits`: the element's bit pattern, all lanes alike
  DimSymbol,  ///< i64: a run-time dimension, `symbol`
  Loop,       ///< i64: the loop variable `loop`
  Read,       ///< the current value of `local`
  // memory
  Load,  ///< element of `buffer` at args (one i64 per axis). lanes > 1: the last index is a Ramp (consecutive lanes,
         ///< any stride) or any index is a vector (gather); the other indices are scalars
  // lanes
  Ramp,       ///< i64 x lanes: args[0] + lane * args[1] (args[1] constant)
  Broadcast,  ///< args[0] in every lane
  Lane,       ///< args[0][imm], a scalar
  // unary
  Neg,
  Abs,
  Not,  ///< Not: bitwise on integers, logical on bool
  Sqrt,
  Floor,
  Ceil,
  RoundEven,
  Trunc,
  HugeAngle,     ///< floats: what |x| > 2^50 is in the quadrant where it ends (huge_angle.h), else 0
  HugeQuadrant,  ///< and that quadrant
  Cast,     ///< value conversion to `type`: float to int truncates, saturates, NaN gives 0; to bool: != 0; int to int
            ///< wraps;
            ///< integers and bool become f16 or bf16 through f32, f64 rounds to them at once
  Bitcast,  ///< the same bits, in lanes of any size, low bytes first; no bool
  // binary, operands of one type
  Add,
  Sub,
  Mul,  ///< integers wrap
  Div,
  Rem,  ///< truncating on integers: x/0 = -1 (all ones), x%0 = x, MIN/-1 = MIN, MIN%-1 = 0; Rem of floats is fmod
  FloorDiv,
  FloorMod,  ///< integers, divisor positive: index arithmetic
  Min,
  Max,  ///< floats: NaN if either is NaN; Min(-0,+0) = -0
  And,
  Or,
  Xor,  ///< integers and bool; the arithmetic above takes no bool
  Shl,
  ShrArith,
  ShrLogical,  ///< amount >= bits gives 0 (ShrArith: the sign)
  CopySign,
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,  ///< bool x lanes; floats: ordered, but Ne is true with NaN
  // ternary
  Fma,     ///< args[0] * args[1] + args[2] with one rounding (f32, f64)
  Select,  ///< args[0] (bool, same lanes) ? args[1] : args[2]
  // groups of lanes: lane l of the result goes with lanes g * l .. g * l + g - 1 of args[0] and args[1]; a factor of a
  // dot product with g lanes alone is shared by all lanes of the result
  Dot2,  ///< args[2][l] + the 2 products. i16 x i16 into i32: wraps. u8 x i8 into i16: their sum saturates, the rest
         ///< wraps. bf16 x bf16 into f32: two FMAs, the lower lane first, denormals kept
  Dot4,  ///< u8 x i8 into i32, 4 products: wraps, never saturates
  Interleave,  ///< twice the lanes: args[0][0], args[1][0], args[0][1], args[1][1], ...
  // without denormals
  FmaFlushed,   ///< Fma whose operands that are denormal count as 0, and whose result that is below the least normal
                ///< number, rounded as if there were no least exponent, is 0; signs stay (f32, f64)
  Dot2Flushed,  ///< bf16 x bf16 into f32: two FmaFlushed, the higher lane first, as VDPBF16PS has them
};

/// One node. Read-only; made by LoopContext.
struct ExprNode {
  ExprOp op;
  ScalarType type;
  uint8_t arg_count = 0;
  uint32_t id = 0;     ///< order of creation within the context
  uint32_t depth = 1;  ///< longest path to a leaf, in nodes; bounded (legality.h), so walkers may recurse
  const ExprNode* const* args = nullptr;
  union {
    uint64_t bits = 0;     ///< Constant
    int64_t imm;           ///< Lane
    const LoopVar* loop;   ///< Loop
    const Local* local;    ///< Read
    const Buffer* buffer;  ///< Load
    const char* symbol;    ///< DimSymbol, interned in the context
  };
};
using Expr = const ExprNode*;

/// The name of an op in the text form: "add", "fma", "load".
std::string_view expr_op_name(ExprOp op);

}  // namespace strata::ir::loops
