// How contractions are computed: algorithms that round otherwise than the ops `conv` and `dot` are asked for by name,
// for one contraction (ConvShape, DotAxes) or for all of a program (transform/with_algorithms.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace strata::ops {

enum class ConvAlgorithm : uint8_t {
  Direct,        ///< the products as they stand, in the order of the op `conv`
  WinogradF2x3,  ///< 2 x 2 results at once of windows of 3 x 3, by 16 products instead of 36 (winograd.h)
  WinogradF4x3,  ///< 4 x 4 results at once, by 36 products instead of 144
};

enum class DotAlgorithm : uint8_t {
  Direct,  ///< as the op `dot`
  /// As the op `dot_flushed`, of bf16 alone (E0116): the same chains of FMAs in f32, but denormals count as 0 and
  /// denormal sums become 0. A CPU with AVX512-BF16 takes two terms by one VDPBF16PS; elsewhere the same bits come of
  /// some fifteen instructions for each FMA.
  FlushedBf16,
};

/// "winograd_f4x3", "flushed_bf16"; "direct".
constexpr std::string_view algorithm_name(ConvAlgorithm a) {
  return a == ConvAlgorithm::WinogradF2x3   ? "winograd_f2x3"
         : a == ConvAlgorithm::WinogradF4x3 ? "winograd_f4x3"
                                            : "direct";
}
constexpr std::string_view algorithm_name(DotAlgorithm a) {
  return a == DotAlgorithm::FlushedBf16 ? "flushed_bf16" : "direct";
}

}  // namespace strata::ops
