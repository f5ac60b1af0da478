#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/internal_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kBug, ErrorKind::Internal, "a bug in Strata",
     "Something that must always hold did not hold. Please report the message with the program that led to it."},
};

}  // namespace

std::span<const ErrorPage> internal_error_pages() { return kPages; }

}  // namespace strata::base
