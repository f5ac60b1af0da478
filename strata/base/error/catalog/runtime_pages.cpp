#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0400", ErrorKind::User, "a check failed while the program ran",
     "A check inside a compiled program was false. The message names the check and the line that recorded it."},
};

}  // namespace

std::span<const ErrorPage> runtime_error_pages() { return kPages; }

}  // namespace strata::base
