#include "strata/ir/loops/huge_angle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace strata::ir::loops {
namespace {

struct Case {
  double x, angle, quadrant;
};

// By mpmath with 2,400 bits. The eighth is the double that comes nearest to a multiple of pi/2.
constexpr Case kCases[] = {
    {0x1.0000000000001p+50, 0x1.89f4683d25023p-1, 0},    {-0x1.10d9316ec0000p+50, 0x1.384c02a7a58aap-1, 2},
    {0x1.0000000000000p+55, -0x1.502c8c391dbb2p-1, 3},   {0x1.0f0cf064dd592p+73, 0x1.19eab99633cd8p-1, 3},
    {0x1.93e5940000000p+99, -0x1.50f0d49e8d06fp-1, 3},   {0x1.0000000000000p+100, 0x1.05b529eee170cp-1, 3},
    {-0x1.fffffe0000000p+127, 0x1.191cfe681daf7p-1, 0},  {0x1.6ac5b262ca1ffp+849, 0x1.14ae72e6ba22fp-61, 1},
    {0x1.7e43c8800759cp+996, -0x1.39e51e3b9d3d4p-1, 3},  {0x1.fffffffffffffp+1023, -0x1.453020ff06b39p-8, 2},
    {-0x1.fffffffffffffp+1023, 0x1.453020ff06b39p-8, 2},
};

TEST(HugeAngle, IsWithinAnUlpAndKnowsItsQuadrant) {
  for (const Case& c : kCases) {
    EXPECT_NEAR(huge_angle(c.x), c.angle, std::fabs(c.angle) * 0x1p-52) << c.x;
    EXPECT_EQ(huge_quadrant(c.x), c.quadrant) << c.x;
  }
}

TEST(HugeAngle, IsZeroOfWhatIsNotHugeAndNanOfWhatIsNoNumber) {
  for (const double x : {0.0, -0.0, 1.0, -1e15, kHugeAngle}) {
    EXPECT_EQ(huge_angle(x), 0) << x;
    EXPECT_EQ(huge_quadrant(x), 0) << x;
  }
  for (const double x : {HUGE_VAL, -HUGE_VAL, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_TRUE(std::isnan(huge_angle(x)));
    EXPECT_EQ(huge_quadrant(x), 0);
  }
}

}  // namespace
}  // namespace strata::ir::loops
