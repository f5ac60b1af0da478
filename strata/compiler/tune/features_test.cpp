// Features of loops whose numbers are known.
#include "strata/compiler/tune/features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "strata/compiler/loop/schedule.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler::tune {
namespace {

float value_of(const std::vector<float>& features, std::string_view name) {
  const auto names = feature_names();
  const auto found = std::ranges::find(names, name);
  EXPECT_NE(found, names.end()) << name;
  return features.at(static_cast<size_t>(found - names.begin()));
}

std::vector<float> features_of_text(const std::string& text, std::vector<int64_t> dims = {}) {
  return features_of(ir::loops::parse_kernel(text).value(), dims);
}

float log_of(double x) { return static_cast<float>(std::log2(1 + x)); }

TEST(Features, CountWhatALoopDoes) {
  const auto f = features_of_text(R"(kernel @sum(%x: f32[N,64], %s: f32[64]) -> (%y: f32[N,64]) where N >= 1 {
    parallel i in 0..N { for j in 0..64 { %y[i,j] = fma(%x[i,j], %s[j], 1.0) } } })",
                                  {10});
  EXPECT_EQ(value_of(f, "operations"), log_of(10 * 64 * 2));
  EXPECT_EQ(value_of(f, "fma share"), 1);
  EXPECT_EQ(value_of(f, "vector share"), 0);
  EXPECT_EQ(value_of(f, "loaded bytes"), log_of(10 * 64 * 8));
  EXPECT_EQ(value_of(f, "stored bytes"), log_of(10 * 64 * 4));
  EXPECT_EQ(value_of(f, "tasks"), log_of(10));
  EXPECT_EQ(value_of(f, "loop 1 steps"), log_of(64));
  EXPECT_EQ(value_of(f, "loop 1 bytes"), log_of(3 * 64 * 4));
  EXPECT_EQ(value_of(f, "loop 2 steps"), log_of(10));
  EXPECT_EQ(value_of(f, "loop 2 bytes"), log_of((2 * 640 + 64) * 4)) << "%s is gone through once, however often";
}

TEST(Features, TellSchedulesOfOneKernelApart) {
  const auto naive = [] {
    return ir::loops::parse_kernel(R"(kernel @dot(%x: f32[96,256], %w: f32[128,256]) -> (%y: f32[96,128]) {
      parallel i in 0..96 { vector j in 0..128 { var acc: f32 = 0.0
        for k in 0..256 joining acc by 256, outer 1, inner 0 { acc = fma(%x[i,k], %w[j,k], acc) }
        %y[i,j] = acc } } })")
        .value();
  };
  const auto features = [&](const std::string& rewrites) {
    return features_of(schedule(naive(), machine::kAvx2.vectors, nullptr, {.rewrites = rewrites}), {});
  };
  const auto large = features(
      "tile rows by 6, columns by 16, depth by 256; vectorise columns by 8; block rows by 96; parallel rows by 96, "
      "columns by 128; pack rows, columns");
  const auto small = features(
      "tile rows by 2, columns by 8, depth by 256; vectorise columns by 4; block rows by 96; parallel rows by 24, "
      "columns by 32; pack rows, columns");
  EXPECT_GT(value_of(large, "register tile"), value_of(small, "register tile"));
  EXPECT_GT(value_of(small, "tasks"), value_of(large, "tasks"));
  EXPECT_GT(value_of(small, "loaded bytes"), value_of(large, "loaded bytes"));
  EXPECT_GT(value_of(large, "lanes"), value_of(small, "lanes"));
  EXPECT_GT(value_of(small, "loop steps"), value_of(large, "loop steps"));
  EXPECT_EQ(features("tile rows by 6, columns by 16, depth by 256; vectorise columns by 8; block rows by 96; parallel "
                     "rows by 96, columns by 128; pack rows, columns"),
            large);
}

TEST(Features, AreNumbersForEmptyAndEndlessLoops) {
  for (const auto& f :
       {features_of_text("kernel @none(%x: f32[4]) -> (%y: f32[4]) { }"),
        features_of_text("kernel @n(%x: f32[N]) -> (%y: f32[N]) where N >= 0 { parallel i in 0..N { %y[i] = %x[i] } }",
                         {0}),
        features_of_text("kernel @n(%x: f32[N]) -> (%y: f32[N]) where N >= 0 { parallel i in 0..N { %y[i] = %x[i] } }",
                         {int64_t{1} << 40})})
    for (const float value : f) EXPECT_TRUE(std::isfinite(value) && value >= 0) << value;
}

}  // namespace
}  // namespace strata::compiler::tune
