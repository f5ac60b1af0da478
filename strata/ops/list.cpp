#include "strata/ops/list.h"

#include "strata/ops/contraction/block_dot.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/contraction/masked_dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/counted/counted.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/index/index.h"
#include "strata/ops/random/random.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"
#include "strata/ops/sort/sort.h"
#include "strata/ops/window/window.h"

namespace strata::ops {
namespace {

constexpr const ir::Op* kOps[] = {
    // creation
    &kConstant,
    &kIota,
    &kBroadcast,
    // elementwise: unary
    &kNeg,
    &kAbs,
    &kSign,
    &kNot,
    &kFloor,
    &kCeil,
    &kRound,
    &kTrunc,
    &kIsFinite,
    &kExp,
    &kExp2,
    &kExpm1,
    &kLog,
    &kLog1p,
    &kLog2,
    &kLog10,
    &kSqrt,
    &kRsqrt,
    &kCbrt,
    &kSin,
    &kCos,
    &kTanh,
    &kSigmoid,
    &kErf,
    &kErfc,
    &kErfInv,
    // elementwise: binary
    &kAdd,
    &kSub,
    &kMul,
    &kDiv,
    &kRem,
    &kPow,
    &kAtan2,
    &kMaximum,
    &kMinimum,
    &kAnd,
    &kOr,
    &kXor,
    &kShiftLeft,
    &kShiftRightArithmetic,
    &kShiftRightLogical,
    // elementwise: compare, choose, convert
    &kEq,
    &kNe,
    &kLt,
    &kLe,
    &kGt,
    &kGe,
    &kSelect,
    &kCast,
    &kBitcast,
    // identities with a message for the transforms and the compiler, and effects
    &kStopGradient,
    &kBarrier,
    &kPrint,
    &kCheck,
    // shape
    &kReshape,
    &kTranspose,
    &kReverse,
    &kSlice,
    &kPad,
    &kConcat,
    &kDynamicSlice,
    &kDynamicUpdateSlice,
    &kDynamicPad,
    &kDimension,
    // encodings
    &kDecode,
    &kEncode,
    &kEncodedBytes,
    &kFromEncodedBytes,
    // index
    &kGather,
    &kScatter,
    &kCheckedIndices,
    // counted
    &kCountedRange,
    // contraction
    &kDot,
    &kDotFlushed,
    &kBlockDot,
    &kDotWhere,
    &kDotReadWhere,
    &kConv,
    // reduction
    &kReduceSum,
    &kReduceProd,
    &kReduceMax,
    &kReduceMin,
    &kReduceAnd,
    &kReduceOr,
    &kArgmax,
    &kArgmin,
    &kCumsum,
    &kCumprod,
    &kCummax,
    &kCummin,
    // window
    &kWindowSum,
    &kWindowMax,
    &kWindowMin,
    &kWindowArgmax,
    &kWindowArgmin,
    // sort, random
    &kSort,
    &kTopK,
    &kRngBits,
    &kRngFold,
    // control
    &kCond,
    &kWhile,
    &kTapedWhile,
    &kScan,
    &kCall,
    &kComposite,
    // functions with derivatives of their own
    &kCustomVjp,
    &kCustomVjpTangent,
    &kCustomJvp,
    &kCheckpoint,
    // made by the compiler
    &kFusion,
};

}  // namespace

std::span<const ir::Op* const> all_ops() { return kOps; }

const ir::OpTable& op_table() {
  static const ir::OpTable table(kOps);
  return table;
}

}  // namespace strata::ops
