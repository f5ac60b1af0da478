// Which numbers of a range a dtype holds: asked before numbers are made in it, so that none wraps, or rounds to an end
// that the range does not have.
#pragma once

#include <string_view>

#include "strata/ops/operands/broadcast.h"

namespace strata::ops {

/// A literal as an array of rank 0, rounded where the dtype is a float's. E0135 where an integer dtype does not have
/// just this number: 0.5, 300 in u8, -1 in u64.
ir::HostArray literal_array(Literal value, ir::DType dtype);

/// E0140 unless `value` rounds to a finite number of the float dtype.
void require_finite_in(std::string_view op, std::string_view field, double value, ir::DType dtype);
/// E0100 for integers: what `op` draws has fractions.
void require_float_draws(std::string_view op, ir::DType dtype);

/// The first and the last number of a float dtype in [lowest, highest); both are `lowest` where that equals `highest`.
struct Ends {
  double first, last;
};
/// E0116 where the range is not finite or runs backwards; E0140 where it holds no number of the dtype, or leaves what
/// the dtype holds, by an end or by its width.
Ends ends_within(std::string_view op, double lowest, double highest, ir::DType dtype);

/// E0140 unless the dtype has each whole number from `first` to `last`.
void require_within(std::string_view op, int64_t first, int64_t last, ir::DType dtype);
/// E0140 unless an integer dtype has them. Floats round.
void require_no_wrap(std::string_view op, int64_t first, int64_t last, ir::DType dtype);

}  // namespace strata::ops
