#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0100", ErrorKind::User, "operand types don't fit the op",
     "The op was given operands whose dtypes or shapes it doesn't take. The message names both operands' types; the note names the line that recorded the op."},
};

}  // namespace

std::span<const ErrorPage> ir_error_pages() { return kPages; }

}  // namespace strata::base
