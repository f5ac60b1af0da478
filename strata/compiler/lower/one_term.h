// Folds over an axis of which at most one term counts: those that a select gives where the position along the axis is
// one number, such as the logits at the targets of a cross entropy.
//
//   fold over r of select(r == h, f(r), identity)  =  0 <= h < extent ? combine(identity, f(h)) : identity
//
// The identity changes no value that a lane, a chain or a partial result can hold, so the bits are those of the fold as
// it is written, in whichever order it goes; and what f is elsewhere, NaN or not, never counted.
#pragma once

#include "strata/ops/facets/lowering.h"

namespace strata::compiler {

/// What the fold is before `finish`; null if its terms have another form.
ir::loops::Expr fold_of_one_term(ir::loops::LoopContext& context, const ir::ReductionForm& form,
                                 std::span<const ir::loops::Expr> kept);

}  // namespace strata::compiler
