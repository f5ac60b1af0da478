// Training here against training in PyTorch, from the same weights and batches: tests/golden/parity/ has PyTorch's
// losses.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/parity/parity_case.h"

namespace strata::parity {
namespace {

struct Golden {
  std::string inputs_sha256;
  std::vector<double> losses;
  double validation_loss = 0;
};

Golden golden(const std::string& name) {
  const base::Json json = base::read_json("tests/golden/parity/" + name + ".json").value();
  Golden g{.inputs_sha256 = json.at("inputs_sha256").as_string()};
  for (const base::Json& loss : json.at("losses").items()) g.losses.push_back(loss.as_double());
  if (const base::Json* loss = json.find("validation_loss")) g.validation_loss = loss->as_double();
  return g;
}

/// The case, or null when its data isn't installed or is another text.
std::unique_ptr<Case> open_or_null(const std::string& name, std::string& why) {
  try {
    return open_case(name);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::Environment && error.kind() != base::ErrorKind::User) throw;
    why = error.message();
    return nullptr;
  }
}

constexpr const char* kOtherInputs =
    "other weights or batches than PyTorch was given: run tools/golden/parity.py again if that is meant";

void expect_twenty_equal_losses(const std::string& name) {
  std::string why;
  const std::unique_ptr<Case> c = open_or_null(name, why);
  if (!c) GTEST_SKIP() << why;
  const Golden g = golden(name);
  ASSERT_EQ(inputs_sha256(*c), g.inputs_sha256) << kOtherInputs;
  ASSERT_EQ(g.losses.size(), 20u);
  for (size_t i = 0; i < g.losses.size(); ++i)
    EXPECT_NEAR(c->step(static_cast<int64_t>(i)) / g.losses[i], 1, 1e-4) << "step " << i;
}

TEST(Parity, TwentyLossesOfLeNetAreThoseOfPyTorch) { expect_twenty_equal_losses("lenet"); }
TEST(Parity, TwentyLossesOfAGptAreThoseOfPyTorch) { expect_twenty_equal_losses("gpt"); }

TEST(Parity, AfterThreeHundredStepsOnTheKingJamesBibleTheValidationLossIsThatOfPyTorch) {
  std::string why;
  const std::unique_ptr<Case> c = open_or_null("king_james", why);
  if (!c) GTEST_SKIP() << why;
  const Golden g = golden("king_james");
  ASSERT_EQ(inputs_sha256(*c), g.inputs_sha256) << kOtherInputs;
  ASSERT_EQ(g.losses.size(), 300u);
  for (size_t i = 0; i < g.losses.size(); ++i) {
    const double loss = c->step(static_cast<int64_t>(i));
    if (i < 20) {
      EXPECT_NEAR(loss / g.losses[i], 1, 1e-4) << "step " << i;
    }
  }
  const double loss = c->validation_loss();
  RecordProperty("validation_loss", std::to_string(loss));
  EXPECT_NEAR(loss / g.validation_loss, 1, 0.01);
  EXPECT_LT(loss, 3.0) << "it has not learnt";
}

}  // namespace
}  // namespace strata::parity
