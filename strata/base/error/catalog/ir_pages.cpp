#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0100", ErrorKind::User, "operand types don't fit the op",
     "The op was given operands whose dtypes or shapes it doesn't take. The message names both operands' types; the note names the line that recorded the op."},
    {"E0120", ErrorKind::User, "the text of a loop program does not parse",
     "The message says at which line and column the reader stopped and what it wanted there. `strata opt --level loops` prints well-formed text."},
    {"E0121", ErrorKind::User, "a loop program breaks a rule",
     "The text parses, but a statement uses a name outside of its scope, mixes types, or breaks a rule on loops, vectors or register tiles. The note quotes the statement."},
    {"E0122", ErrorKind::User, "a symbolic dimension is not well formed",
     "The dimension's text does not parse, or its value leaves 62 bits. Dimensions are sums of products of integers and names, with floordiv, mod, ceildiv, min and max."},
    {"E0123", ErrorKind::Internal, "an ill-typed loop expression was made",
     "A lowering or a schedule combined operands that the loop program does not allow. This is a bug in Strata: please report the message with the program that led to it."},
    {"E0124", ErrorKind::Internal, "a lowering or a schedule broke the loop program",
     "The verifier refused a kernel that Strata itself made. Please report the message with the program that led to it."},
    {"E0125", ErrorKind::Internal, "a kernel reached outside of a buffer",
     "The loop interpreter checks every access; the message names the buffer, the index and the shape. Native code would have read or written foreign memory. Please report it."},
    {"E0101", ErrorKind::User, "operand shapes don't fit the op",
     "The op takes operands of one shape, or shapes that broadcast: axes align at the end, and an axis of extent 1 stretches. The message names both types and the axis that differs. A symbolic dimension matches only itself and 1."},
    {"E0135", ErrorKind::User, "a literal has no value in the tensor's dtype",
     "A number beside a tensor takes the tensor's dtype: 0.5 has no value among integers, 300 none in u8. Cast the tensor first, or write a number that its dtype holds."},
    {"E0136", ErrorKind::User, "a check in the program failed",
     "The program holds a check node whose condition was false when it ran. The message is the one given to check(); the index is the first element that was false."},
    {"E0102", ErrorKind::User, "contracted or shared dimensions differ",
     "A dot or a convolution sums over pairs of dimensions, which must be equal: the inner ones of a matrix product, the channels of an image and of its window. The message names both and their values; most often a weight was made or loaded with another input size."},
    {"E0115", ErrorKind::User, "an axis is out of range or named twice",
     "Axes count from 0, or from -1 at the end. The message names the axis and the rank."},
    {"E0116", ErrorKind::User, "an attribute has a value that the op can't use",
     "A bound outside of the axis, a stride below 1, an unknown mode. The message names the attribute or the axis and the values."},
    {"E0117", ErrorKind::User, "a region doesn't fit its op",
     "cond, while, scan and call run regions whose parameters and results must match the operands and each other. The message names the position and both types."},
    {"E0118", ErrorKind::User, "an index is out of range",
     "A gather or scatter in check mode met a position outside of the axis. Negative positions don't count from the end. Use clamp or fill if such positions are meant to be there."},
    {"E0119", ErrorKind::User, "the op has no such derivative, batch or form",
     "The op works as it stands, but what was asked of it (a derivative, a batch of it, a symbolic extent) has no rule. The message says which, and the hint what to use."},
};

}  // namespace

std::span<const ErrorPage> ir_error_pages() { return kPages; }

}  // namespace strata::base
