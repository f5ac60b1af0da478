// The table of what each op of the loop program takes and gives. The makers, the verifier and the parser ask it; a back
// end need not handle what it refuses.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ir/loops/expr.h"

namespace strata::ir::loops {

/// Which element types an op computes in.
enum class Domain : uint8_t {
  None,    ///< leaves, memory and lanes: ruled by their own checks
  Any,     ///< all dtypes, half floats too
  Number,  ///< f64, f32 and integers
  Float,   ///< f64, f32
  Int,     ///< integers
  IntOrBool,
  Comparable,  ///< f64, f32, integers and bool
};

struct OpRule {
  ExprOp op;
  std::string_view name;  ///< in the text form
  uint8_t arity;          ///< number of expression operands; Load and leaves: 0
  Domain domain;
  bool compares = false;  ///< the result is bool
};

inline constexpr int kExprOpCount = static_cast<int>(ExprOp::Dot2Flushed) + 1;

/// One rule per op, in the order of ExprOp.
std::span<const OpRule> op_rules();
const OpRule& op_rule(ExprOp op);
std::optional<ExprOp> expr_op_from_name(std::string_view name);
bool in_domain(Domain domain, DType type);
/// "f64, f32 and integers"
std::string_view domain_name(Domain domain);

inline constexpr int kMaxLanes = 256;
/// Deepest expression that the makers allow: walkers recurse, and text must not be able to overflow their stack.
inline constexpr int kMaxExprDepth = 2000;

/// "f32", "f32x8".
std::string type_name(ScalarType type);

/// Why an op does not take operands of these types; empty if it does. For unary, binary and ternary ops other than
/// casts.
std::string refuse_operands(ExprOp op, std::span<const ScalarType> operands);

/// Lanes of a factor that go with one lane of the result: 2 of Dot2 and Dot2Flushed, 4 of Dot4; 0 of any other
/// op.
int group_of(ExprOp op);
/// As refuse_operands, for those and Interleave.
std::string refuse_group(ExprOp op, std::span<const ScalarType> operands);

}  // namespace strata::ir::loops
