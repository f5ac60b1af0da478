#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/ir_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kOperandTypes, ErrorKind::User, "operand types don't fit the op",
     "The op was given operands whose dtypes or shapes it doesn't take. The message names both operands' types; the "
     "note names the line that recorded the op."},
    {code::kMalformedLoops, ErrorKind::User, "the text of a loop program does not parse",
     "The message says at which line and column the reader stopped and what it wanted there. `strata opt --level "
     "loops` prints well-formed text."},
    {code::kLoopRule, ErrorKind::User, "a loop program breaks a rule",
     "The text parses, but a statement uses a name outside of its scope, mixes types, or breaks a rule on loops, "
     "vectors or register tiles. The note quotes the statement."},
    {code::kMalformedDim, ErrorKind::User, "a symbolic dimension is not well formed",
     "The dimension's text does not parse, or its value leaves 62 bits. Dimensions are sums of products of integers "
     "and names, with floordiv, mod, ceildiv, min and max."},
    {code::kIllTypedExpr, ErrorKind::Internal, "an ill-typed loop expression was made",
     "A lowering or a schedule combined operands that the loop program does not allow. This is a bug in Strata: please "
     "report the message with the program that led to it."},
    {code::kBrokenLoops, ErrorKind::Internal, "a lowering or a schedule broke the loop program",
     "The verifier refused a kernel that Strata itself made. Please report the message with the program that led to "
     "it."},
    {code::kOutOfBuffer, ErrorKind::Internal, "a kernel reached outside of a buffer",
     "The loop interpreter checks every access; the message names the buffer, the index and the shape. Native code "
     "would have read or written foreign memory. Please report it."},
    {code::kOperandShapes, ErrorKind::User, "operand shapes don't fit the op",
     "The op takes operands of one shape, or shapes that broadcast: axes align at the end, and an axis of extent 1 "
     "stretches. The message names both types and the axis that differs. A symbolic dimension matches only itself and "
     "1."},
    {code::kRuleInFile, ErrorKind::User, "a kernel or a plan in a file breaks a rule",
     "The text parses, but the verifier or the interpreter refuses what it says: an access outside of a buffer, a "
     "command whose buffers don't have its node's types, a lifetime that ends before its use. The note names the "
     "file."},
    {code::kLiteralValue, ErrorKind::User, "a literal has no value in the tensor's dtype",
     "A number beside a tensor takes the tensor's dtype: 0.5 has no value among integers, 300 none in u8. Cast the "
     "tensor first, or write a number that its dtype holds."},
    {code::kFailedCheck, ErrorKind::User, "a check in the program failed",
     "The program holds a check node whose condition was false when it ran. The message is the one given to check(); "
     "the index is the first element that was false."},
    {code::kArrayElements, ErrorKind::User, "an array's elements are not those that it says",
     "An array is made from as many elements as its shape has, of the type that its dtype stores, and is read as that "
     "type: f32 as float, i32 as int32_t, bool as bool. Memory that a tensor wraps is there and aligned to the "
     "element."},
    {code::kRangeLeavesDtype, ErrorKind::User, "a range of numbers leaves its dtype",
     "Numbers were asked for that the dtype does not hold: arange and random_integers past the largest integer (300 in "
     "u8), whole numbers that a half float can't tell apart, a uniform range between two neighbours of the dtype, "
     "ends, "
     "a mean or a deviation beyond its largest number. They would wrap, become infinite, or round to an end that the "
     "range does not have. Take a wider dtype, and cast what comes of it."},
    {code::kUnequalDims, ErrorKind::User, "contracted or shared dimensions differ",
     "A dot or a convolution sums over pairs of dimensions, which must be equal: the inner ones of a matrix product, "
     "the channels of an image and of its window. The message names both and their values; most often a weight was "
     "made or loaded with another input size."},
    {code::kAxis, ErrorKind::User, "an axis is out of range or named twice",
     "Axes count from 0, or from -1 at the end. The message names the axis and the rank."},
    {code::kAttributeValue, ErrorKind::User, "an attribute has a value that the op can't use",
     "A bound outside of the axis, a stride below 1, an unknown mode, an axis that is empty where the op has to find "
     "an element. The message names the attribute or the axis and the values. A symbolic extent is checked when the "
     "program runs."},
    {code::kRegionMismatch, ErrorKind::User, "a region doesn't fit its op",
     "cond, while, scan and call run regions whose parameters and results must match the operands and each other. The "
     "message names the position and both types."},
    {code::kIndexOutOfRange, ErrorKind::User, "an index is out of range",
     "A gather or scatter in check mode met a position outside of the axis. Negative positions don't count from the "
     "end. Use clamp or fill if such positions are meant to be there."},
    {code::kNoSuchForm, ErrorKind::User, "the op has no such derivative, batch or form",
     "The op works as it stands, but what was asked of it (a derivative, a batch of it, a symbolic extent) has no "
     "rule. The message says which, and the hint what to use."},
    {code::kOperandCount, ErrorKind::User, "the op takes another number of operands or regions",
     "The message names the op, how many it takes and how many were given."},
    {code::kUndeclaredAttributes, ErrorKind::User, "the op's attributes are not those that it declares",
     "`strata ops NAME` lists an op's attributes and their kinds. All are given, in the order of the declaration."},
    {code::kUnknownOp, ErrorKind::User, "no op has this name",
     "The hint offers the nearest name; `strata ops` lists all ops."},
    {code::kNotInterpreted, ErrorKind::User, "the op can't be interpreted",
     "The op has no reference rule; the message says why."},
    {code::kArgumentMismatch, ErrorKind::User, "an argument doesn't fit the program's parameter",
     "The number, dtype or shape of the arguments differs from the parameters. Equal symbols in the parameters' shapes "
     "stand for equal extents; the note names the axis that differs."},
    {code::kBrokenFact, ErrorKind::User, "a dimension breaks what the program says of it",
     "The program states a range or a divisor of a symbolic dimension (`where B in [1, 64], B % 4 == 0`), and the "
     "argument's extent is outside of it."},
    {code::kOutOfMemory, ErrorKind::Environment, "memory is short",
     "An array does not fit in the memory that the system gives, or its size does not fit 64 bits. The message names "
     "the size; most often a dimension is larger than meant."},
    {code::kMalformedProgram, ErrorKind::User, "the text of a tensor program does not parse",
     "The message says at which line and column the reader stopped, what it wanted there and what it found. `strata "
     "opt FILE` prints well-formed text, and `strata ops` lists the ops with their attributes."},
    {code::kProgramRule, ErrorKind::Internal, "a tensor program breaks a rule",
     "The verifier refused a graph that Strata itself made: a value used before it is defined, types that the op's "
     "rule does not infer, or attributes that the op does not declare. Please report the message with the program that "
     "led to it."},
    {code::kMalformedPlan, ErrorKind::User, "the text of a plan does not parse",
     "The message says at which line and column the reader stopped, what it wanted there and what it found."},
    {code::kPlanRule, ErrorKind::Internal, "a plan breaks a rule",
     "The verifier refused a plan: a buffer is read before it is written, two live buffers share memory, or a command "
     "refers to a buffer that isn't there. Please report the message with the program that led to it."},
    {code::kEncodingDescription, ErrorKind::User, "the description of an encoding is not one",
     "An encoding is one loop program `@decode`, from u8[bytes] to the elements of one block, whose body is one loop "
     "with one store: `for i in 0..32 { %y[i] = ... }`; and, if arrays are to be encoded, one `@encode` the other way "
     "round. The message names what differs."},
    {code::kEncodingName, ErrorKind::User, "an encoding's name",
     "No encoding has the name, or one has it already. A name stands for one format in all programs of a process, and "
     "a format has one name: that of the first declaration, or the one that Strata gave it."},
    {code::kBlocksNotTaken, ErrorKind::User, "an op does not take elements that are blocks of bytes",
     "`decode` reads such an array, `dot` takes it as an operand, and reshape, transpose, broadcast, slice, concat, "
     "gather, dynamic_slice and dynamic_update_slice move whole blocks of it; a call hands it on. For all else, "
     "`decode` it first."},
    {code::kSplitBlocks, ErrorKind::User, "blocks don't divide an axis, or would be split",
     "The blocks of an encoding lie along the last axis, which is a multiple of a block; a slice, a gather or a "
     "transpose moves whole blocks. Of a symbolic axis that is asked when a call binds it. Pad the axis, move whole "
     "blocks, or decode first."},
    {code::kUnknownCount, ErrorKind::User, "an op needs to know more of a counted dimension than its capacity",
     "A dimension that nonzero, compact or counted_range made is counted while the program runs: it can be any number "
     "from 0 to its capacity. The op has a meaning only for some of them: another shape with as many elements, a slice "
     "that needs so many rows, an axis that has to equal another one. Pad to the capacity, keep a mask of the full "
     "shape, or count in one program and go on with the result, whose shape is known, in another."},
    {code::kCountOutOfRange, ErrorKind::User, "a count is out of range",
     "counted_range was given a number below 0 or above its capacity, or one symbol was counted twice with different "
     "results. The message names the symbol and the numbers."},
    {code::kMisplacedCount, ErrorKind::User, "a counted dimension has no place there",
     "A body of cond, while, scan or a custom function counts elements, a call hands out a dimension that it counted, "
     "or a symbol that already means something is to be counted. Count in the program itself, in front of the loop or "
     "the call, and hand in what was counted."},
};

}  // namespace

std::span<const ErrorPage> ir_error_pages() { return kPages; }

}  // namespace strata::base
