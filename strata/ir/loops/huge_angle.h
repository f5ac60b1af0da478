// Angles so large that a quarter turn lies between neighbouring numbers: their reduction needs more digits of pi than
// any format holds.
#pragma once

namespace strata::ir::loops {

/// |x| above which huge_angle() and huge_quadrant() answer; below, a reduction with pi/2 in three parts is exact
/// enough.
inline constexpr double kHugeAngle = 0x1p50;

/// x - n pi/2 for the whole n that makes it smallest, rounded twice (Payne and Hanek 1983): at most
/// 0.51 ulp off. 0 where |x| <= kHugeAngle, NaN of NaN and infinity. The same bits on every machine.
double huge_angle(double x);
/// n modulo 4: 0, 1, 2 or 3.
double huge_quadrant(double x);

}  // namespace strata::ir::loops
