// E02xx: derivatives and batching.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kNoDerivative{"E0200"};          ///< no derivative
inline constexpr ErrorCode kNotDifferentiable{"E0201"};     ///< only floats have derivatives
inline constexpr ErrorCode kNotScalar{"E0202"};             ///< the gradient of something that is not a scalar
inline constexpr ErrorCode kNoReverseMode{"E0203"};         ///< no reverse mode
inline constexpr ErrorCode kIncompleteDerivative{"E0204"};  ///< a custom derivative that does not cover its input
inline constexpr ErrorCode kNoBatchingRule{"E0205"};        ///< no batching rule
inline constexpr ErrorCode kScoresMixed{"E0206"};           ///< a score function that mixes scores

}  // namespace strata::base::code
