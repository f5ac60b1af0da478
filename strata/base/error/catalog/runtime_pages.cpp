#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/runtime_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kUnavailableTarget, ErrorKind::User, "an instruction set can't be chosen",
     "STRATA_ISA, --isa or machine::force_cpu_target names an instruction set that doesn't exist, or one whose "
     "features "
     "this CPU lacks. There are scalar, avx2, avx512, avx512-vnni and avx512-bf16; the first line of a training tells "
     "the most that "
     "this CPU runs."},
};

}  // namespace

std::span<const ErrorPage> runtime_error_pages() { return kPages; }

}  // namespace strata::base
