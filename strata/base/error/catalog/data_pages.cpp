#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0600", ErrorKind::User, "a data file is malformed",
     "The file is truncated or is not of the expected format. The message names the file, the byte offset, what was expected and what was found."},
};

}  // namespace

std::span<const ErrorPage> data_error_pages() { return kPages; }

}  // namespace strata::base
