// E01xx: what the rules of ops, the readers of programs and the interpreter refuse.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kOperandTypes{"E0100"};          ///< operand types don't fit the op
inline constexpr ErrorCode kOperandShapes{"E0101"};         ///< operand shapes don't fit the op
inline constexpr ErrorCode kUnequalDims{"E0102"};           ///< contracted or shared dimensions differ
inline constexpr ErrorCode kOperandCount{"E0103"};          ///< the op takes another number of operands or regions
inline constexpr ErrorCode kUndeclaredAttributes{"E0104"};  ///< the op's attributes are not those that it declares
inline constexpr ErrorCode kUnknownOp{"E0105"};             ///< no op has this name
inline constexpr ErrorCode kNotInterpreted{"E0106"};        ///< the op can't be interpreted
inline constexpr ErrorCode kArgumentMismatch{"E0110"};      ///< an argument doesn't fit the program's parameter
inline constexpr ErrorCode kBrokenFact{"E0111"};            ///< a dimension breaks what the program says of it
inline constexpr ErrorCode kOutOfMemory{"E0112"};           ///< memory is short
inline constexpr ErrorCode kAxis{"E0115"};                  ///< an axis is out of range or named twice
inline constexpr ErrorCode kAttributeValue{"E0116"};        ///< an attribute has a value that the op can't use
inline constexpr ErrorCode kRegionMismatch{"E0117"};        ///< a region doesn't fit its op
inline constexpr ErrorCode kIndexOutOfRange{"E0118"};       ///< an index is out of range
inline constexpr ErrorCode kNoSuchForm{"E0119"};            ///< the op has no such derivative, batch or form
inline constexpr ErrorCode kMalformedLoops{"E0120"};        ///< the text of a loop program does not parse
inline constexpr ErrorCode kLoopRule{"E0121"};              ///< a loop program breaks a rule
inline constexpr ErrorCode kMalformedDim{"E0122"};          ///< a symbolic dimension is not well formed
inline constexpr ErrorCode kIllTypedExpr{"E0123"};          ///< an ill-typed loop expression was made
inline constexpr ErrorCode kBrokenLoops{"E0124"};           ///< a lowering or a schedule broke the loop program
inline constexpr ErrorCode kOutOfBuffer{"E0125"};           ///< a kernel reached outside of a buffer
inline constexpr ErrorCode kMalformedProgram{"E0130"};      ///< the text of a tensor program does not parse
inline constexpr ErrorCode kProgramRule{"E0131"};           ///< a tensor program breaks a rule
inline constexpr ErrorCode kMalformedPlan{"E0132"};         ///< the text of a plan does not parse
inline constexpr ErrorCode kPlanRule{"E0133"};              ///< a plan breaks a rule
inline constexpr ErrorCode kRuleInFile{"E0134"};            ///< a kernel or a plan in a file breaks a rule
inline constexpr ErrorCode kLiteralValue{"E0135"};          ///< a literal has no value in the tensor's dtype
inline constexpr ErrorCode kFailedCheck{"E0136"};           ///< a check in the program failed
inline constexpr ErrorCode kArrayElements{"E0137"};         ///< an array's elements are not those that it says
inline constexpr ErrorCode kRangeLeavesDtype{"E0140"};      ///< a range of numbers leaves its dtype
inline constexpr ErrorCode kEncodingDescription{"E0141"};   ///< the description of an encoding is not one
inline constexpr ErrorCode kEncodingName{"E0142"};          ///< an encoding's name
inline constexpr ErrorCode kBlocksNotTaken{"E0143"};        ///< an op does not take elements that are blocks of bytes
inline constexpr ErrorCode kSplitBlocks{"E0144"};           ///< blocks don't divide an axis, or would be split
inline constexpr ErrorCode kUnknownCount{
    "E0145"};  ///< an op needs to know more of a counted dimension than its capacity
inline constexpr ErrorCode kCountOutOfRange{"E0146"};  ///< a count is out of range
inline constexpr ErrorCode kMisplacedCount{"E0147"};   ///< a counted dimension has no place there

}  // namespace strata::base::code
