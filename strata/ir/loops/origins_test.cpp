// Origins tell kernels apart that leave the same bits: orders of sums over zeros, iterations before those they need.
#include "strata/ir/loops/origins.h"

#include <gtest/gtest.h>

#include "strata/ir/loops/text/text_form.h"

namespace strata::ir::loops {
namespace {

/// Of the last parameter; all arrays are zeros of f32[4].
std::vector<uint64_t> origins(const std::string& body, int params = 2) {
  const std::string head =
      params == 2 ? "kernel @k(%x: inout f32[4], %y: inout f32[4]) -> () {" : "kernel @k(%x: inout f32[4]) -> () {";
  const Kernel kernel = parse_kernel(head + body + "}").value();
  std::vector<std::vector<float>> arrays(static_cast<size_t>(params), std::vector<float>(4));
  std::vector<void*> pointers;
  for (auto& a : arrays) pointers.push_back(a.data());
  return origins_of(kernel, pointers, {}).value().back();
}

TEST(Origins, AreThoseOfTheElementsBeforeTheRun) {
  const auto copied = origins("for i in 0..4 { %y[i] = %x[i] }");
  EXPECT_EQ(copied, origins("for i in 0..4 { %y[3 - i] = %x[3 - i] }"));
  EXPECT_EQ(copied, origins("%y[ramp(0, 1, 4)] = %x[ramp(0, 1, 4)]"));
  EXPECT_NE(copied, origins("for i in 0..4 { %y[i] = %x[0] }"));
}

TEST(Origins, TellOrdersOfASumApartWhereBitsDoNot) {
  const auto ascending = origins("for i in 0..4 { %y[0] = add(%y[0], %x[i]) }");
  EXPECT_NE(ascending, origins("for i in 0..4 { %y[0] = add(%y[0], %x[3 - i]) }"));
  EXPECT_EQ(ascending, origins("var s: f32 = %y[0] for i in 0..4 { s = add(%x[i], s) } %y[0] = s"));
}

TEST(Origins, ChangeWhenAnIterationRunsBeforeWhatItNeeds) {
  EXPECT_NE(origins("for i in 1..4 { %x[i] = add(%x[i - 1], %x[i]) }", 1),
            origins("for i in 0..3 { %x[3 - i] = add(%x[2 - i], %x[3 - i]) }", 1));
}

TEST(Origins, AreNoneOfWhatNoElementIsPartOf) {
  EXPECT_EQ(origins("for i in 0..4 { %y[i] = cast(f32, i + 1) }"), std::vector<uint64_t>(4, 0));
}

TEST(Origins, GoThroughScratchAndSelects) {
  EXPECT_EQ(origins("for i in 0..4 { %y[i] = %x[i] }"),
            origins("scratch %s: f32[4] for i in 0..4 { %s[3 - i] = %x[i] }"
                    "for i in 0..4 { %y[i] = select(lt(i, 4), %s[3 - i], %x[0]) }"));
}

TEST(Origins, AreNotFollowedThroughDotProductsOfGroups) {
  const Kernel kernel = parse_kernel(R"(kernel @k(%a: u8[4], %b: i8[4]) -> (%y: i32[1]) {
    %y[0] = dot4(%a[ramp(0, 1, 4)], %b[ramp(0, 1, 4)], 0i32) })")
                            .value();
  uint8_t a[4] = {};
  int8_t b[4] = {};
  int32_t y = 0;
  void* const pointers[] = {a, b, &y};
  EXPECT_FALSE(origins_of(kernel, pointers, {}).has_value());
}

}  // namespace
}  // namespace strata::ir::loops
