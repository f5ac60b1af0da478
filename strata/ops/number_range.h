// Which numbers of a range a dtype holds: asked before numbers are made in it, so that none wraps, or rounds to an end
// that the range does not have.
#pragma once

#include <string_view>

#include "strata/ir/dtype.h"

namespace strata::ops {

/// The first and the last number of a float dtype in [lowest, highest); both are `lowest` where that equals `highest`.
struct Ends {
  double first, last;
};
/// E0116 where the range is not finite or runs backwards; E0140 where it holds no number of the dtype.
Ends ends_within(std::string_view op, double lowest, double highest, ir::DType dtype);

/// E0140 unless the dtype has each whole number from `first` to `last`.
void require_within(std::string_view op, int64_t first, int64_t last, ir::DType dtype);
/// E0140 unless an integer dtype has them. Floats round.
void require_no_wrap(std::string_view op, int64_t first, int64_t last, ir::DType dtype);

}  // namespace strata::ops
