#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0001", ErrorKind::Environment, "a file can't be opened",
     "The file is missing, is a folder, or may not be read by this user. The message names the path and what the system said."},
};

}  // namespace

std::span<const ErrorPage> base_error_pages() { return kPages; }

}  // namespace strata::base
