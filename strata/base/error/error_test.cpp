#include "strata/base/error/error.h"

#include <gtest/gtest.h>

#include <set>

#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/base_codes.h"

namespace strata::base {
namespace {

TEST(Error, TextHoldsCodeMessageNotesAndHintsInThatOrder) {
  const Error error =
      Error(code::kUnreadableFile, "config: no such file a.toml").note("named on the command line").hint("try b.toml");
  EXPECT_EQ(error.text(),
            "error[E0001]: config: no such file a.toml\nnote: named on the command line\nhint: try b.toml");
  EXPECT_EQ(error.kind(), ErrorKind::Environment);
}

TEST(Error, UnknownCodeIsInternal) { EXPECT_EQ(Error(ErrorCode("E9999"), "x").kind(), ErrorKind::Internal); }

TEST(Error, CodesAreUniqueAndHavePages) {
  std::set<std::string_view> seen;
  for (const ErrorPage* page : all_error_pages()) {
    EXPECT_TRUE(seen.insert(page->code).second) << page->code.str();
    EXPECT_FALSE(page->page.empty()) << page->code.str();
  }
}

TEST(Error, NearestNameOffersOnlyLikelySlips) {
  const std::vector<std::string> names = {"steps", "batch", "learning_rate"};
  EXPECT_EQ(nearest_name("step", names), "steps");
  EXPECT_EQ(nearest_name("learnign_rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("setps", names), "steps");
  EXPECT_EQ(nearest_name("colour", names), std::nullopt);
}

TEST(Result, ValueThrowsTheError) {
  Result<int> good = 3;
  EXPECT_EQ(good.value(), 3);
  Result<int> bad = Error(code::kUnreadableFile, "gone");
  EXPECT_THROW(bad.value(), Error);
}

}  // namespace
}  // namespace strata::base
