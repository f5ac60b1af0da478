// Training here against training in PyTorch, from the same weights on the same batches: tests/golden/parity/ has
// PyTorch's losses, and tools/golden/parity.py made them.
#include <gtest/gtest.h>

#include <optional>

#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/train/config/recipe.h"
#include "tests/parity/parity_inputs.h"

namespace strata::parity {
namespace {

constexpr const char* kOtherInputs =
    "other weights or batches than PyTorch was given: run tools/golden/parity.py again if that is meant";

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

/// The task, or none with the reason when its data's package is missing (E0634) or holds another text (E0642).
std::optional<train::OpenedTask> open_or_skip(const std::string& name, std::string& reason) {
  try {
    return train::open_task(kFolder + name + ".toml");
  } catch (const base::Error& error) {
    if (error.code() != "E0634" && error.code() != "E0642") throw;
    reason = error.message();
    return std::nullopt;
  }
}

/// Step number `i`: its loss.
double step(train::Task& task, size_t i, const optim::Schedule& rates) {
  const train::StepResult result = task.step(rates(i));
  EXPECT_TRUE(result.is_finite) << result.culprit;
  return result.loss;
}

TEST(Parity, TwentyLossesOfLeNetAreThoseOfPyTorch) {
  std::string reason;
  const auto opened = open_or_skip("lenet", reason);
  if (!opened) GTEST_SKIP() << reason;
  const Golden g = golden("lenet");
  ASSERT_EQ(inputs_sha256(*opened), g.inputs_sha256) << kOtherInputs;
  ASSERT_EQ(g.losses.size(), 20u);
  const optim::Schedule rates = train::learning_rates(*opened->config, 20);
  for (size_t i = 0; i < 20; ++i) EXPECT_NEAR(step(*opened->task, i, rates) / g.losses[i], 1, 1e-4) << "step " << i;
}

TEST(Parity, AGptOnTheKingJamesBibleLosesAsInPyTorchFirstAndAfterThreeHundredSteps) {
  std::string reason;
  const auto opened = open_or_skip("gpt", reason);
  if (!opened) GTEST_SKIP() << reason;
  const Golden g = golden("gpt");
  ASSERT_EQ(inputs_sha256(*opened), g.inputs_sha256) << kOtherInputs;
  ASSERT_EQ(g.losses.size(), 300u);
  const optim::Schedule rates = train::learning_rates(*opened->config, 300);
  for (size_t i = 0; i < 300; ++i) {
    const double loss = step(*opened->task, i, rates);
    if (i < 20) {
      EXPECT_NEAR(loss / g.losses[i], 1, 1e-4) << "step " << i;
    }
  }
  const double loss = opened->task->evaluate().at(0).value;
  RecordProperty("validation_loss", std::to_string(loss));
  EXPECT_NEAR(loss / g.validation_loss, 1, 0.01);
  EXPECT_LT(loss, 0.75 * g.losses[0]) << "it has not learnt";
}

}  // namespace
}  // namespace strata::parity
