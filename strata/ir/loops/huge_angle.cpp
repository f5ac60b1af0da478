#include "strata/ir/loops/huge_angle.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace strata::ir::loops {
namespace {

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

/// The binary digits of 2/pi behind the point. A result needs 256 of them; the largest exponent skips 960.
constexpr uint64_t kTwoOverPi[] = {0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
                                   0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
                                   0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
                                   0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
                                   0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d};

struct Turns {
  double angle;
  unsigned quadrant;
};

Turns reduce(double x) {
  int exponent = 0;
  const auto digits = static_cast<uint64_t>(std::ldexp(std::frexp(std::fabs(x), &exponent), 53));
  exponent -= 53;  // |x| = digits 2^exponent
  // Digits of 2/pi whose products are whole multiples of four turn nothing.
  const int skipped = std::max(0, (exponent - 2) / 64);
  // The product in 64-bit digits, lowest first, worth 2^(exponent - 64 (skipped + 4)).
  uint64_t product[6] = {};
  Wide carry = 0;
  for (int i = 0; i < 4; ++i) {
    carry += Wide{digits} * kTwoOverPi[skipped + 3 - i];
    product[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  product[4] = static_cast<uint64_t>(carry);
  // The 128 digits from `low` on.
  const auto from = [&](int low) {
    const int word = low / 64, shift = low % 64;
    const Wide two = (Wide{product[word + 1]} << 64) | product[word];
    return shift == 0 ? two : (two >> shift) | (Wide{product[word + 2]} << (128 - shift));
  };
  const int point = 64 * (skipped + 4) - exponent;
  auto quadrant = static_cast<unsigned>(from(point - 2) >> 2);
  const Wide fraction = from(point - 128);
  // As a signed number of 2^-128: the upper half belongs to the next quadrant.
  const auto part = static_cast<SignedWide>(fraction);
  if (part < 0) ++quadrant;
  const auto high = static_cast<double>(part);
  const auto low = static_cast<double>(part - static_cast<SignedWide>(high));
  constexpr double kHalfPi = 0x1.921fb54442d18p+0, kHalfPiLow = 0x1.1a62633145c07p-54;
  const double angle = high * kHalfPi;
  const double rest = std::fma(high, kHalfPi, -angle) + (high * kHalfPiLow + low * kHalfPi);
  const double signed_angle = std::copysign(std::ldexp(angle + rest, -128), part < 0 ? -1.0 : 1.0);
  return std::signbit(x) ? Turns{-signed_angle, (0 - quadrant) % 4} : Turns{signed_angle, quadrant % 4};
}

bool is_huge(double x) { return std::fabs(x) > kHugeAngle && std::isfinite(x); }

}  // namespace

double huge_angle(double x) {
  if (!std::isfinite(x)) return std::numeric_limits<double>::quiet_NaN();
  return is_huge(x) ? reduce(x).angle : 0;
}

double huge_quadrant(double x) { return is_huge(x) ? reduce(x).quadrant : 0; }

}  // namespace strata::ir::loops
