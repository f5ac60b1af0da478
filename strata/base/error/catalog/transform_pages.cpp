#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0200", ErrorKind::User, "no derivative",
     "The program was asked for a derivative that does not exist; the message names the op and the reason."},
};

}  // namespace

std::span<const ErrorPage> transform_error_pages() { return kPages; }

}  // namespace strata::base
