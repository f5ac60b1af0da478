// dot2, dot4, interleave and prefetch: what the interpreter gives for chosen numbers, and native code for every preset
// against the interpreter on special values.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "strata/compiler/backends/backends.h"
#include "strata/compiler/testing/native_comparison.h"
#include "strata/ir/host_array.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler::llvm_backend {
namespace {

using namespace ir::loops;
using ir::DType;
using ir::HostArray;

/// y[j] = op(a, b, c) for 512 elements in steps of `lanes`.
Kernel dot_kernel(const char* op, int group, const char* a, const char* b, const char* sum, int lanes) {
  const auto at = [&](int per) {
    return per * lanes == 1 ? fmt::format("j*{}", per) : fmt::format("ramp(j*{}, 1, {})", per, per * lanes);
  };
  return parse_kernel(
             fmt::format(
                 "kernel @k(%a: {1}[{6}], %b: {2}[{6}], %c: {3}[512]) -> (%y: {3}[512]) {{ for j in 0..512 step "
                 "{5} {{ %y[{8}] = {0}(%a[{7}], %b[{7}], %c[{8}]) }} }}",
                 op, a, b, sum, group, lanes, 512 * group, at(group), at(1)))
      .value();
}

/// The same with one group of %a or %b for all lanes.
Kernel shared_kernel(const Kernel& own, int group, bool is_a) {
  std::string text = print(own);
  const std::string buffer = is_a ? "%a[ramp(" : "%b[ramp(";
  const size_t count = text.find(", 1, ", text.find(buffer)) + 5;
  text.replace(count, text.find(')', count) - count, std::to_string(group));
  return parse_kernel(text).value();
}

TEST(GroupOps, NativeCodeEqualsTheInterpreter) {
  std::vector<Kernel> kernels;
  for (int lanes : {1, 2, 4, 8, 16, 32}) {
    kernels.push_back(dot_kernel("dot2", 2, "u8", "i8", "i16", lanes));
    if (lanes > 1)
      for (const bool is_a : {true, false})
        kernels.push_back(shared_kernel(dot_kernel("dot2", 2, "u8", "i8", "i16", lanes), 2, is_a));
  }
  for (int lanes : {1, 2, 4, 8, 16}) {
    kernels.push_back(dot_kernel("dot4", 4, "u8", "i8", "i32", lanes));
    kernels.push_back(dot_kernel("dot2", 2, "i16", "i16", "i32", lanes));
    for (const char* op : {"dot2", "dot2_flushed"}) kernels.push_back(dot_kernel(op, 2, "bf16", "bf16", "f32", lanes));
    if (lanes > 1)
      for (const bool is_a : {true, false}) {
        kernels.push_back(shared_kernel(dot_kernel("dot4", 4, "u8", "i8", "i32", lanes), 4, is_a));
        kernels.push_back(shared_kernel(dot_kernel("dot2", 2, "i16", "i16", "i32", lanes), 2, is_a));
        for (const char* op : {"dot2", "dot2_flushed"})
          kernels.push_back(shared_kernel(dot_kernel(op, 2, "bf16", "bf16", "f32", lanes), 2, is_a));
      }
    for (const char* t : {"u8", "bf16", "f32", "i64", "bool"}) {
      const std::string index = lanes == 1 ? "j" : fmt::format("ramp(j, 1, {})", lanes);
      kernels.push_back(
          parse_kernel(
              fmt::format("kernel @i(%a: {0}[512], %b: {0}[512]) -> (%y: {0}[1024]) {{ for j in 0..512 "
                          "step {1} {{ prefetch %a[j + 4096] prefetch %b[j - 1000000000000] %y[ramp(j*2, 1, {2})] = "
                          "interleave(%a[{3}], %b[{3}]) }} }}",
                          t, lanes, 2 * lanes, index))
              .value());
    }
  }
  for (size_t i = 0; i < kernels.size(); ++i) {
    kernels[i].name += std::to_string(i);
    EXPECT_EQ(compare_with_interpreter({&kernels[i]}, {}, 7 + i), "") << print(kernels[i]);
  }
}

template <class A, class B, class S>
S one_dot(const char* op, const char* types, std::vector<A> a, std::vector<B> b, S sum) {
  const int group = a.size();
  const auto name = [&](int i) { return std::string(types).substr(static_cast<size_t>(i) * 4, 4); };
  const auto trimmed = [](const std::string& s) { return s.substr(0, s.find(' ')); };
  const Kernel k =
      parse_kernel(
          fmt::format("kernel @k(%a: {1}[{4}], %b: {2}[{4}], %c: {3}[1]) -> (%y: {3}[1]) {{ %y[0] = {0}(%a[ramp(0, "
                      "1, {4})], %b[ramp(0, 1, {4})], %c[0]) }}",
                      op, trimmed(name(0)), trimmed(name(1)), trimmed(name(2)), group))
          .value();
  S y{};
  void* const buffers[] = {a.data(), b.data(), &sum, &y};
  RunStatus status;
  interpret(k, buffers, {}, status);
  return y;
}

TEST(GroupOps, SumsOfIntegersWrapAndDoNotSaturate) {
  const std::vector<uint8_t> full(4, 255);
  EXPECT_EQ(one_dot("dot4", "u8  i8  i32 ", full, std::vector<int8_t>(4, -128), 0), 4 * 255 * -128);
  EXPECT_EQ(one_dot("dot4", "u8  i8  i32 ", full, std::vector<int8_t>(4, 127), INT32_MAX - 1),
            static_cast<int32_t>(static_cast<uint32_t>(INT32_MAX - 1) + 4 * 255 * 127));
  EXPECT_EQ(one_dot("dot2", "i16 i16 i32 ", std::vector<int16_t>(2, -32768), std::vector<int16_t>(2, -32768), 0),
            INT32_MIN);
}

/// As VPMADDUBSW has it: a schedule takes it where no pair can saturate.
TEST(GroupOps, PairsOfBytesSaturateAndTheirSumsWrap) {
  const auto dot = [](uint8_t a, int8_t b, int16_t sum) {
    return one_dot("dot2", "u8  i8  i16 ", std::vector<uint8_t>(2, a), std::vector<int8_t>(2, b), sum);
  };
  EXPECT_EQ(dot(255, 127, 0), INT16_MAX);
  EXPECT_EQ(dot(255, -128, 0), INT16_MIN);
  EXPECT_EQ(dot(127, 127, 1000), static_cast<int16_t>(static_cast<uint16_t>(2 * 127 * 127 + 1000)));
  EXPECT_EQ(dot(15, -8, -32768), static_cast<int16_t>(static_cast<uint16_t>(-32768 - 240)));
}

/// Lanes of another size hold the same bytes, the first one lowest.
TEST(GroupOps, BitcastsRegroupLanes) {
  const Kernel k = parse_kernel(R"(kernel @k(%a: u8[512]) -> (%y: u16[256], %z: u8[512], %w: f32[128]) {
    for j in 0..512 step 32 {
      let v: u16x16 = bitcast(u16, %a[ramp(j, 1, 32)])
      %y[ramp(floordiv(j, 2), 1, 16)] = v
      %z[ramp(j, 1, 32)] = bitcast(u8, v)
      %w[ramp(floordiv(j, 4), 1, 8)] = cast(f32, bitcast(i32, %a[ramp(j, 1, 32)]))
    } })")
                       .value();
  std::vector<uint8_t> a(512), z(512);
  std::vector<uint16_t> y(256);
  std::vector<float> w(128);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<uint8_t>(i * 37);
  void* const buffers[] = {a.data(), y.data(), z.data(), w.data()};
  RunStatus status;
  interpret(k, buffers, {}, status);
  EXPECT_EQ(z, a);
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], a[2 * i] | a[2 * i + 1] << 8);
  for (size_t i = 0; i < w.size(); ++i) {
    int32_t whole = 0;
    std::memcpy(&whole, &a[4 * i], 4);
    EXPECT_EQ(w[i], static_cast<float>(whole));
  }
  EXPECT_EQ(compare_with_interpreter({&k}, {}, 5), "");
  EXPECT_EQ(print(parse_kernel(print(k)).value()), print(k));
  EXPECT_FALSE(
      parse_kernel("kernel @k(%a: u8[3]) -> (%y: u16[1]) { %y[0] = lane(bitcast(u16, %a[ramp(0, 1, 3)]), 0) }").ok());
}

TEST(GroupOps, SumsOfHalfFloatsRoundAfterEachTermTheLowerFirst) {
  using ir::BF16;
  const auto dot = [](float a0, float a1, float b0, float b1, float sum) {
    return one_dot("dot2", "bf16bf16f32 ", std::vector<BF16>{BF16(a0), BF16(a1)}, std::vector<BF16>{BF16(b0), BF16(b1)},
                   sum);
  };
  EXPECT_EQ(dot(0x1p12f, -0x1p12f, 0x1p12f, 0x1p12f, 1.f), 0.f);  // 1 is lost in the first step
  EXPECT_EQ(dot(0x1p12f, 1.f, 0x1p12f, 1.f, -0x1p24f), 1.f);
  EXPECT_EQ(dot(0x1p-70f, 0.f, 0x1p-70f, 0.f, 0.f), 0x1p-140f);  // denormals stay
}

/// VDPBF16PS by the pseudo code of Intel's manual: the higher of the two terms first, each an FMA that takes denormals
/// for zeros and flushes its result, whatever the state of the processor. A result is flushed if it is below 2^-126
/// once it is rounded to 24 bits: from the middle between 2^-126 and the number below it, it is not. An exact sum near
/// there has fewer bits than f64.
float by_instruction(float a0, float a1, float b0, float b1, float sum) {
  const auto flushed = [](float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.f, x) : x; };
  const auto step = [&](float a, float b, float to) {
    a = flushed(a), b = flushed(b), to = flushed(to);
    const float result = std::fma(a, b, to);
    return std::fabs(static_cast<double>(a) * b + to) < 0x1p-126 - 0x1p-151 ? std::copysign(0.f, result) : result;
  };
  return step(a0, b0, step(a1, b1, sum));
}

/// So no code takes that instruction for a dot2 of bf16.
TEST(GroupOps, TheInstructionForHalfFloatsMeansSomethingElse) {
  using ir::BF16;
  const auto dot = [](float a0, float a1, float b0, float b1, float sum) {
    return one_dot("dot2", "bf16bf16f32 ", std::vector<BF16>{BF16(a0), BF16(a1)}, std::vector<BF16>{BF16(b0), BF16(b1)},
                   sum);
  };
  EXPECT_EQ(dot(1.5f, -2, 4, 0.5f, 3), by_instruction(1.5f, -2, 4, 0.5f, 3));  // where nothing is rounded
  EXPECT_EQ(dot(1, 0x1p12f, 1, 0x1p12f, 0x1p24f), 0x1p25f);                    // 1 is lost in 2^24 + 1
  EXPECT_EQ(by_instruction(1, -0x1p12f, 1, 0x1p12f, 0x1p24f), 1);
  EXPECT_EQ(dot(1, -0x1p12f, 1, 0x1p12f, 0x1p24f), 0);
  EXPECT_EQ(by_instruction(0x1p-130f, 0, 0x1p100f, 0, 0), 0);
  EXPECT_EQ(dot(0x1p-130f, 0, 0x1p100f, 0, 0), 0x1p-30f);
  EXPECT_EQ(by_instruction(0x1p-70f, 0, 0x1p-70f, 0, 0), 0);
  EXPECT_EQ(dot(0x1p-70f, 0, 0x1p-70f, 0, 0), 0x1p-140f);
}

/// What is random, near the least normal number and special, in all places.
TEST(GroupOps, FlushedPairsAreThatInstruction) {
  using ir::BF16;
  std::mt19937 random(1);
  const auto any = [&]() -> float {
    const float special[] = {0.f, -0.f, 1.f, -1.f, INFINITY, -INFINITY, NAN, 0x1p-127f, 0x1p-126f, 0x1.fep127f};
    const auto digits = static_cast<float>(random() % 256 + 128);
    switch (random() % 4) {
      case 0:
        return special[random() % std::size(special)];
      case 1:
        return std::ldexp(random() % 2 ? digits : -digits, static_cast<int>(random() % 8) - 74);
      case 2:
        return std::ldexp(random() % 2 ? digits : -digits, static_cast<int>(random() % 250) - 140);
      default:
        return static_cast<float>(BF16(static_cast<float>(random()) * 0x1p-30f - 2));
    }
  };
  /// Sums have more digits: most near the least normal number.
  const auto sum = [&]() -> float {
    if (random() % 2) return any();
    const float x = std::bit_cast<float>(static_cast<uint32_t>(0x00800000u + random() % 64));
    return random() % 2 ? x : -x;
  };
  constexpr int kCount = 200000;
  std::vector<BF16> a, b;
  std::vector<float> c, y(kCount);
  for (int i = 0; i < kCount; ++i) {
    for (int k = 0; k < 2; ++k) a.emplace_back(any()), b.emplace_back(any());
    c.push_back(sum());
  }
  const Kernel k = parse_kernel(fmt::format("kernel @k(%a: bf16[{1}], %b: bf16[{1}], %c: f32[{0}]) -> (%y: f32[{0}]) {{"
                                            " for j in 0..{0} step 8 {{ %y[ramp(j, 1, 8)] = dot2_flushed("
                                            "%a[ramp(j*2, 1, 16)], %b[ramp(j*2, 1, 16)], %c[ramp(j, 1, 8)]) }} }}",
                                            kCount, 2 * kCount))
                       .value();
  void* const buffers[] = {a.data(), b.data(), c.data(), y.data()};
  RunStatus status;
  interpret(k, buffers, {}, status);
  int flushed = 0, kept = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const float a0(a[2 * i]), a1(a[2 * i + 1]), b0(b[2 * i]), b1(b[2 * i + 1]);
    const float expected = by_instruction(a0, a1, b0, b1, c[i]);
    ASSERT_TRUE(std::isnan(expected) ? std::isnan(y[i])
                                     : std::bit_cast<uint32_t>(expected) == std::bit_cast<uint32_t>(y[i]))
        << a0 << " " << a1 << " " << b0 << " " << b1 << " " << c[i] << ": " << expected << ", found " << y[i];
    flushed += y[i] == 0 && std::fma(a0, b0, std::fma(a1, b1, c[i])) != 0;
    kept += std::fabs(y[i]) == 0x1p-126f;
  }
  EXPECT_GT(flushed, 1000);
  EXPECT_GT(kept, 100);
}

/// 2^-126 less three quarters of what a denormal can tell: FMA rounds it up to a normal number, but with 24 bits it
/// would be less than that.
TEST(GroupOps, WhatIsFlushedIsDecidedAsIfThereWereSmallerExponents) {
  using ir::BF16;
  const auto dot = [](float a, float b, float sum) {
    return one_dot("dot2_flushed", "bf16bf16f32 ", std::vector<BF16>{BF16(a), BF16(0.f)},
                   std::vector<BF16>{BF16(b), BF16(0.f)}, sum);
  };
  EXPECT_EQ(std::fma(-1.5f * 0x1p-75f, 0x1p-76f, 0x1p-126f), 0x1p-126f);
  EXPECT_EQ(dot(-1.5f * 0x1p-75f, 0x1p-76f, 0x1p-126f), 0);
  EXPECT_EQ(dot(-0x1p-75f, 0x1p-76f, 0x1p-126f), 0x1p-126f);  // half of that: a tie, to even
  EXPECT_TRUE(std::signbit(dot(1.5f * 0x1p-75f, 0x1p-76f, -0x1p-126f)));
  EXPECT_EQ(dot(1.5f * 0x1p-75f, 0x1p-76f, -0x1p-126f), 0);
  EXPECT_TRUE(std::signbit(dot(-0x1p-70f, 0x1p-70f, 0)));
}

TEST(GroupOps, PrintAndParse) {
  const char* text = R"(kernel @k(%a: u8[64], %b: i8[64], %c: bf16[8]) -> (%y: i32[16], %z: f32[4], %w: u8[128]) {
  prefetch %a[4096]
  %y[ramp(0, 1, 16)] = dot4(%a[ramp(0, 1, 64)], %b[ramp(0, 1, 64)], broadcast(0i32, 16))
  %z[ramp(0, 1, 4)] = dot2(%c[ramp(0, 1, 8)], %c[ramp(0, 1, 8)], broadcast(0.0f32, 4))
  %z[ramp(0, 1, 4)] = dot2_flushed(%c[ramp(0, 1, 8)], %c[ramp(0, 1, 2)], %z[ramp(0, 1, 4)])
  %z[0] = fma_flushed(%z[1], 2.0, %z[2])
  %w[ramp(0, 1, 128)] = interleave(%a[ramp(0, 1, 64)], %a[ramp(0, 1, 64)])
}
)";
  const Kernel k = parse_kernel(text).value();
  const std::string printed = print(k);
  EXPECT_EQ(print(parse_kernel(printed).value()), printed);
  EXPECT_NE(printed.find("prefetch %a[4096]"), std::string::npos);
  EXPECT_NE(printed.find("dot2_flushed(%c[ramp(0, 1, 8)], %c[ramp(0, 1, 2)], %z[ramp(0, 1, 4)])"), std::string::npos);
  EXPECT_NE(printed.find("fma_flushed(%z[1], 2.0"), std::string::npos);
  EXPECT_NE(
      structural_hash(k),
      structural_hash(parse_kernel(std::string(text).replace(std::string(text).find("4096"), 4, "4097")).value()));
}

TEST(GroupOps, RefuseOtherTypesAndLanes) {
  const auto refusal = [](const std::string& value) {
    const auto k = parse_kernel(
        "kernel @k(%a: u8[64], %b: i8[64], %c: i32[16]) -> (%y: i32[16]) { %y[ramp(0, 1, 4)] = " + value + " }");
    return k.ok() ? "" : k.error().message();
  };
  const std::string a = "%a[ramp(0, 1, 16)]", b = "%b[ramp(0, 1, 16)]", c = "%c[ramp(0, 1, 4)]";
  EXPECT_EQ(refusal("dot4(" + a + ", " + b + ", " + c + ")"), "");
  EXPECT_NE(
      refusal("dot4(" + b + ", " + a + ", " + c + ")").find("dot4 takes u8, i8 and i32, not i8x16, u8x16 and i32x4"),
      std::string::npos);
  EXPECT_NE(refusal("dot4(" + a + ", " + b + ", %c[ramp(0, 1, 8)])")
                .find("dot4: i32x8 goes with 32 lanes, or 4 shared, found 16 and 16"),
            std::string::npos);
  EXPECT_EQ(refusal("dot4(%a[ramp(0, 1, 4)], " + b + ", " + c + ")"), "");
  EXPECT_NE(refusal("dot4(%a[ramp(0, 1, 8)], " + b + ", " + c + ")").find("or 4 shared, found 8 and 16"),
            std::string::npos);
  EXPECT_NE(refusal("dot2(" + a + ", " + b + ", " + c + ")")
                .find("dot2 takes i16, i16 and i32, bf16, bf16 and f32 or u8, "
                      "i8 and i16"),
            std::string::npos);
  EXPECT_NE(refusal("dot2_flushed(" + a + ", " + b + ", " + c + ")")
                .find("dot2_flushed takes bf16, bf16 and f32, not u8x16, i8x16 and i32x4"),
            std::string::npos);
  EXPECT_NE(refusal("fma_flushed(" + c + ", " + c + ", " + c + ")").find("fma_flushed takes f64 and f32, not i32x4"),
            std::string::npos);
  EXPECT_NE(refusal("interleave(" + a + ", " + c + ")").find("interleave: operands are u8x16 and i32x4"),
            std::string::npos);
}

TEST(GroupOps, AreOneInstructionWhereTheTargetHasIt) {
  const Kernel bytes = dot_kernel("dot4", 4, "u8", "i8", "i32", 16),
               words = dot_kernel("dot2", 2, "i16", "i16", "i32", 8);
  const Kernel *const of_bytes[] = {&bytes}, *const of_words[] = {&words};
  const Target &with = llvm_target_for(machine::kAvx512Vnni), &without = llvm_target_for(machine::kAvx512);
  EXPECT_NE(with.listing(of_bytes).find("vpdpbusd"), std::string::npos);
  EXPECT_NE(with.listing(of_words).find("vpdpwssd"), std::string::npos);
  EXPECT_EQ(without.listing(of_bytes).find("vpdp"), std::string::npos);
}

/// Only of the op that means it, in each width of registers, and only where the target has it.
TEST(GroupOps, FlushedPairsAreOneInstructionWhereTheTargetHasIt) {
  const Target &with = llvm_target_for(machine::kAvx512Bf16), &without = llvm_target_for(machine::kAvx512Vnni);
  const std::pair<int, const char*> widths[] = {{4, "xmm"}, {8, "ymm"}, {16, "zmm"}};
  for (const auto& [lanes, registers] : widths) {
    const Kernel flushed = dot_kernel("dot2_flushed", 2, "bf16", "bf16", "f32", lanes),
                 kept = dot_kernel("dot2", 2, "bf16", "bf16", "f32", lanes);
    const Kernel *const of_flushed[] = {&flushed}, *const of_kept[] = {&kept};
    const std::string text = with.listing(of_flushed);
    const size_t at = text.find("vdpbf16ps");
    ASSERT_NE(at, std::string::npos) << text;
    EXPECT_NE(text.substr(at, text.find('\n', at) - at).find(registers), std::string::npos) << text;
    EXPECT_EQ(without.listing(of_flushed).find("vdpbf16ps"), std::string::npos);
    EXPECT_EQ(with.listing(of_kept).find("vdpbf16ps"), std::string::npos);
  }
}

}  // namespace
}  // namespace strata::compiler::llvm_backend
