#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0500", ErrorKind::User, "a tensor was used in a way that its state does not allow",
     "The message says what was expected of the tensor and what was found."},
};

}  // namespace

std::span<const ErrorPage> tensor_error_pages() { return kPages; }

}  // namespace strata::base
