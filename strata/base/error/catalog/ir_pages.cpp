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
};

}  // namespace

std::span<const ErrorPage> ir_error_pages() { return kPages; }

}  // namespace strata::base
