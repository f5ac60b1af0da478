#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0200", ErrorKind::User, "no derivative",
     "The program was asked for a derivative that does not exist; the message names the op and the reason."},
    {"E0201", ErrorKind::User, "only floats have derivatives",
     "A gradient was asked of, or with respect to, a tensor of integers or bools. Cast it to a float, or leave it out of the differentiated arguments."},
    {"E0202", ErrorKind::User, "the gradient of something that is not a scalar",
     "`grad` and `value_and_grad` differentiate a scalar such as a loss. Reduce the value with `mean` or `sum`, or use `vjp` and give a cotangent of its shape."},
};

}  // namespace

std::span<const ErrorPage> transform_error_pages() { return kPages; }

}  // namespace strata::base
