#include "strata/base/environment/variables.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "strata/base/error/error.h"

namespace strata::base {
namespace {

TEST(EnvironmentVariables, AreReadByTheTable) {
  ::setenv("STRATA_REPORT_DEMO", "here", 1);
  EXPECT_EQ(environment("STRATA_REPORT_DEMO"), "here");
  ::setenv("STRATA_REPORT_DEMO", "", 1);
  EXPECT_EQ(environment("STRATA_REPORT_DEMO"), "");
  ::unsetenv("STRATA_REPORT_DEMO");
  EXPECT_EQ(environment("STRATA_REPORT_DEMO"), std::nullopt);
  EXPECT_THROW(environment("STRATA_NO_SUCH_THING"), Error);
}

}  // namespace
}  // namespace strata::base
