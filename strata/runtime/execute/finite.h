// Looking for NaN and infinity in memory: what a run commits is looked at before it is committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/dtype.h"

namespace strata::runtime {

/// E0318: a run that would have committed something that is not finite.
struct NotFinite : base::Error {
  NotFinite(const std::string& program, std::string result, std::string what_it_is)
      : base::Error(base::code::kNotFinite, program + ": " + what_it_is),
        name(std::move(result)),
        found(std::move(what_it_is)) {}

  std::string name;   ///< of the result (ir::FiniteResult)
  std::string found;  ///< "w[3] would become nan"
};

/// The first of `elements` numbers that is not finite; -1 when all are. Integers always are. Large memory is read by
/// all threads.
int64_t first_not_finite(const std::byte* data, ir::DType dtype, int64_t elements);

}  // namespace strata::runtime
