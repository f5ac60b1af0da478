#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0400", ErrorKind::User, "a check failed while the program ran",
     "A check inside a compiled program was false, and the interpreter, asked what exactly, found nothing wrong: a "
     "defect of the kernel. Checks that fail in both have the interpreter's code, E0136 or E0118."},
    {"E0401", ErrorKind::User, "an instruction set level can't be chosen",
     "STRATA_ISA or force_isa_level names a level that doesn't exist or that this CPU can't run. The levels are "
     "scalar, avx2 "
     "and avx512; `strata info` prints the highest one of this CPU."},
};

}  // namespace

std::span<const ErrorPage> runtime_error_pages() { return kPages; }

}  // namespace strata::base
