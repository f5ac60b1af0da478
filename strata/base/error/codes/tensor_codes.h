// E05xx: tensors, recordings, layers and optimisers.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kUndefinedTensor{"E0500"};      ///< a tensor that was never given a value
inline constexpr ErrorCode kValueWhileRecording{"E0501"};  ///< a look at a value while the program is recorded
inline constexpr ErrorCode kEndedRecording{"E0502"};       ///< a tensor outlived the recording that it belongs to
inline constexpr ErrorCode kUnknownSize{"E0503"};          ///< the size of a symbolic dimension
inline constexpr ErrorCode kNotOneElement{"E0504"};        ///< item() of a tensor with more or fewer elements than one
inline constexpr ErrorCode kImpureFunction{"E0505"};       ///< a jitted function is not a function of its arguments
inline constexpr ErrorCode kNotAKey{"E0506"};              ///< not a random key
inline constexpr ErrorCode kParameterExtents{"E0508"};     ///< the extents of a parameter
inline constexpr ErrorCode kLayerOptions{"E0509"};         ///< a layer's options don't fit each other or its input
inline constexpr ErrorCode kOptimiserNotStarted{"E0510"};  ///< an optimiser that was not started
inline constexpr ErrorCode kForeignOptimiserState{"E0511"};  ///< the model and the optimiser's state differ
inline constexpr ErrorCode kGradientType{"E0512"};           ///< a gradient has another type than its parameter
inline constexpr ErrorCode kRateSchedule{"E0513"};           ///< a schedule that is not one
inline constexpr ErrorCode kForeignWeights{"E0520"};         ///< a file's tensors are not those of the model
inline constexpr ErrorCode kUnknownBatch{"E0530"};           ///< a batch that vmap can't find
inline constexpr ErrorCode kUnequalBranches{"E0531"};        ///< branches or steps that give different values
inline constexpr ErrorCode kCotangentShape{"E0532"};   ///< a derivative's direction or cotangent of the wrong shape
inline constexpr ErrorCode kFormatArguments{"E0533"};  ///< a format that its arguments don't fit

}  // namespace strata::base::code
