// One's own program can be traced, and its passes dumped.
#include "strata/tensor/tracing/tracing.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"

namespace strata {
namespace {

int64_t events_of(const base::Json& trace, std::string_view category) {
  int64_t count = 0;
  for (const base::Json& event : trace.at("traceEvents").items())
    if (const base::Json* found = event.find("cat")) count += *found == base::Json(category);
  return count;
}

TEST(Tracing, WritesWhatRanInside) {
  const base::TempFolder folder;
  const std::string file = folder / "run.trace.json";
  auto step = jit([](const Tensor& x) { return sum(exp(x) * 3); });
  const double result = trace(file, [&] { return step(Tensor::ones({100})); }).item();
  EXPECT_NEAR(result, 300 * 2.718281828, 1e-2);
  const base::Json json = base::read_json(file).value();
  EXPECT_GE(events_of(json, "command"), 1);
  EXPECT_GE(events_of(json, "compiler"), 1);
}

TEST(Tracing, RunsWhatIsRecordedInside) {
  const base::TempFolder folder;
  const std::string file = folder / "lazy.trace.json";
  Tensor y;
  trace(file, [&] { y = exp(Tensor::ones({10})) + 1; });
  EXPECT_GE(events_of(base::read_json(file).value(), "command"), 1);
  EXPECT_THROW(trace("/nowhere/at/all.json", [] {}), base::Error);
}

TEST(Tracing, PassesOfAnyProgramAreDumpedWhereTheEnvironmentSays) {
  const base::TempFolder folder;
  ::setenv("STRATA_DUMP_PASSES", folder.path().c_str(), 1);
  auto mine = jit([](const Tensor& x) { return sum(x * 2 + 0.25) - 1; }, {.name = "my_program"});
  mine(Tensor::ones({7}));
  ::unsetenv("STRATA_DUMP_PASSES");
  int programs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().filename().string().find("my_program-") != 0) continue;
    ++programs;
    EXPECT_TRUE(base::is_file(entry.path().string() + "/00-before.sir"));
    EXPECT_TRUE(base::read_text(entry.path().string() + "/00-before.sir").value().find("func @my_program") !=
                std::string::npos);
  }
  EXPECT_EQ(programs, 1);
}

}  // namespace
}  // namespace strata
