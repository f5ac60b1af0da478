#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0700", ErrorKind::User, "the training can't start",
     "The configuration or the run folder does not allow the training to start; the message says why."},
};

}  // namespace

std::span<const ErrorPage> train_error_pages() { return kPages; }

}  // namespace strata::base
