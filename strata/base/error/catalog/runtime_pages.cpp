#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0401", ErrorKind::User, "an instruction set level can't be chosen",
     "STRATA_ISA or force_isa_level names a level that doesn't exist or that this CPU can't run. The levels are "
     "scalar, avx2 and avx512; the first line of a training tells the highest one of this CPU."},
};

}  // namespace

std::span<const ErrorPage> runtime_error_pages() { return kPages; }

}  // namespace strata::base
