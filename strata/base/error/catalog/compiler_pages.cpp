#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0300", ErrorKind::Internal, "a pass broke the graph",
     "The verifier refused the graph after a pass. This is a bug in Strata: please report the reproducer file that the message names."},
};

}  // namespace

std::span<const ErrorPage> compiler_error_pages() { return kPages; }

}  // namespace strata::base
