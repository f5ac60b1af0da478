#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0900", ErrorKind::Internal, "a bug in Strata",
     "Something that must always hold did not hold. Please report the message with the program that led to it."},
};

}  // namespace

std::span<const ErrorPage> internal_error_pages() { return kPages; }

}  // namespace strata::base
