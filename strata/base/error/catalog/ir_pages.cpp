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
};

}  // namespace

std::span<const ErrorPage> ir_error_pages() { return kPages; }

}  // namespace strata::base
