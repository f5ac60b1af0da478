// What the options of optimisers may be: for the rules, and for configurations that set them.
#pragma once

#include "strata/base/config/bounds.h"

namespace strata::optim {

inline constexpr base::Bounds kLearningRate = base::Bounds::between(0, 1e6);
inline constexpr base::Bounds kMomentum = base::Bounds::between(0, 1);
/// Of moving averages. One that never decays stays 0 after its bias correction's division by 0, and every parameter
/// becomes NaN.
inline constexpr base::Bounds kDecayRate = base::Bounds::between(0, 0.999999);
/// A second moment of 0 without an epsilon is a division by 0.
inline constexpr base::Bounds kEpsilon = base::Bounds::between(1e-30, 1);
inline constexpr base::Bounds kWeightDecay = base::Bounds::between(0, 10);
/// Largest norm of the gradient; 0: it is not clipped.
inline constexpr base::Bounds kClipNorm = base::Bounds::at_least(0);
/// What a learning rate is multiplied by.
inline constexpr base::Bounds kRateFactor = base::Bounds::between(0, 1e6);
inline constexpr base::Bounds kScheduleSteps = base::Bounds::at_least(0);

}  // namespace strata::optim
