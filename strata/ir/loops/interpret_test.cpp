#include "strata/ir/loops/interpret.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/error/error.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::ir::loops {
namespace {

Kernel parsed(std::string_view text) {
  auto kernel = parse_kernel(text);
  if (!kernel.ok()) throw kernel.error();
  return *kernel;
}

/// Runs a kernel on arrays given as vectors.
template <class... T>
RunStatus run(const Kernel& kernel, std::vector<int64_t> dims, std::vector<T>&... arrays) {
  std::vector<void*> buffers = {arrays.data()...};
  RunStatus status;
  interpret(kernel, buffers, dims, status);
  return status;
}

/// The f32 result of one expression over %x: f32[8].
float value_of(std::string_view expression, std::vector<float> x = {}) {
  x.resize(8);
  std::vector<float> y(1);
  run(parsed("kernel @e(%x: f32[8]) -> (%y: f32[1]) { %y[0] = " + std::string(expression) + " }"), {}, x, y);
  return y[0];
}
int64_t int_value_of(std::string_view expression, std::vector<float> x = {}) {
  x.resize(8);
  std::vector<int64_t> y(1);
  run(parsed("kernel @e(%x: f32[8]) -> (%y: i64[1]) { var m: i64 = -9223372036854775808 %y[0] = " +
             std::string(expression) + " }"),
      {}, x, y);
  return y[0];
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

TEST(LoopInterpreter, ADotIsOneAscendingChainOfFma) {
  const Kernel kernel = parsed(R"(kernel @dot(%x: f32[M,K], %w: f32[N,K]) -> (%y: f32[M,N]) {
    parallel i in 0..M { for j in 0..N {
      var acc: f32 = 0.0
      for k in 0..K { acc = fma(%x[i, k], %w[j, k], acc) }
      %y[i, j] = acc
    } } })");
  const int m = 5, n = 7, k = 13;
  std::vector<float> x(m * k), w(n * k), y(m * n, -1.0f);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 1.7f);
  for (size_t i = 0; i < w.size(); ++i) w[i] = std::cos(static_cast<float>(i) * 0.3f);
  run(kernel, {m, k, n}, x, w, y);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float acc = 0;
      for (int l = 0; l < k; ++l) acc = std::fma(x[i * k + l], w[j * k + l], acc);
      EXPECT_EQ(y[i * n + j], acc);
    }
}

TEST(LoopInterpreter, RunsOnlyTheTasksAskedFor) {
  const Kernel kernel = parsed("kernel @t() -> (%y: i32[N]) { parallel i in 1..N step 3 { %y[i] = 7 } }");
  EXPECT_EQ(task_count(kernel, std::vector<int64_t>{11}), 4);
  EXPECT_EQ(task_count(kernel, std::vector<int64_t>{1}), 0);
  EXPECT_EQ(task_count(kernel, std::vector<int64_t>{0}), 0);
  std::vector<int32_t> y(11);
  void* buffers[] = {y.data()};
  const int64_t dims[] = {11};
  RunStatus status;
  interpret(kernel, buffers, dims, status, 1, 3);
  EXPECT_EQ(y, (std::vector<int32_t>{0, 0, 0, 0, 7, 0, 0, 7, 0, 0, 0}));
  interpret(kernel, buffers, dims, status, 0, 0);
  EXPECT_EQ(y[1], 0);
  interpret(kernel, buffers, dims, status, 3, 99);
  EXPECT_EQ(y[10], 7);
}

TEST(LoopInterpreter, NamesTheAccessThatLeavesItsBuffer) {
  const Kernel kernel = parsed("kernel @o(%x: f32[N,4]) -> (%y: f32[N]) { for i in 0..N + 1 { %y[i] = %x[i, 3] } }");
  std::vector<float> x(12), y(3);
  try {
    run(kernel, {3}, x, y);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0125");
    EXPECT_NE(error.text().find("%x[3, 3]"), std::string::npos) << error.text();
    EXPECT_NE(error.text().find("[3, 4]"), std::string::npos) << error.text();
  }
  EXPECT_THROW(value_of("%x[0 - 1]"), base::Error);
  EXPECT_THROW(value_of("lane(%x[ramp(5, 1, 4)], 0)"), base::Error);
}

TEST(LoopInterpreter, TheFirstFailedCheckStaysAndTheRunGoesOn) {
  const Kernel kernel =
      parsed("kernel @c() -> (%y: i64[5]) { for i in 0..5 { check lt(i, 2), code 40 , index i*10 %y[i] = i } }");
  std::vector<int64_t> y(5);
  const RunStatus status = run(kernel, {}, y);
  EXPECT_EQ(status.code, 40);
  EXPECT_EQ(status.index, 20);
  EXPECT_EQ(y[4], 4);
}

TEST(LoopInterpreter, ControlFlowScratchAndLocals) {
  const Kernel kernel = parsed(R"(kernel @sort(%s: inout i32[N]) {
    scratch %t: i32[N]
    for i in 0..N { %t[i] = %s[N - 1 - i] }
    for i in 1..N {
      let v: i32 = %t[i]
      var j: i64 = i
      var going: bool = true
      while going {
        if gt(j, 0) {
          if gt(%t[j - 1], v) { %t[j] = %t[j - 1] j = j - 1 } else { going = false }
        } else { going = false }
      }
      %t[j] = v
    }
    for i in 0..N { %s[i] = %t[i] }
  })");
  std::vector<int32_t> s = {5, -3, 9, 0, 0, 7, -8};
  run(kernel, {7}, s);
  EXPECT_EQ(s, (std::vector<int32_t>{-8, -3, 0, 0, 5, 7, 9}));
  run(kernel, {0}, s);
}

TEST(LoopInterpreter, LoopBoundsAreThoseAtEntry) {
  const Kernel kernel = parsed(
      "kernel @b() -> (%y: i64[8]) { var n: i64 = 3 var c: i64 = 0 for i in 0..n { n = 8 c = c + 1 } %y[0] = c "
      "for i in 5..2 { %y[1] = 9 } }");
  std::vector<int64_t> y(8);
  run(kernel, {}, y);
  EXPECT_EQ(y[0], 3);
  EXPECT_EQ(y[1], 0);
}

TEST(LoopInterpreter, ScratchStartsAsNanSoThatAReadBeforeAWriteIsSeen) {
  const Kernel kernel =
      parsed("kernel @u() -> (%y: f32[2]) { for i in 0..2 { scratch %t: f32[3] %y[i] = %t[i] %t[i] = 1.0 } }");
  std::vector<float> y(2);
  run(kernel, {}, y);
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
}

TEST(LoopInterpreter, VectorsRunLaneByLaneUnderAMask) {
  const Kernel kernel = parsed(R"(kernel @v(%x: f32[N], %p: i64[8]) -> (%y: f32[16], %z: f32[2]) {
    let i: i64x8 = ramp(0, 1, 8)
    let a: f32x8 = %x[ramp(N - 1, -1, 8)]
    let g: f32x8 = %x[%p[i]]
    %y[ramp(0, 2, 8)] = fma(a, 2.0, g) where lt(i, 5)
    %y[ramp(1, 2, 8)] = 3.0
    var r: f32x8 = broadcast(lane(a, 2), 8)
    r = add(r, broadcast(lane(r, 7), 8))
    %z[0] = lane(r, 1)
    %z[1] = lane(select(lt(i, 4), a, g), 4)
  })");
  std::vector<float> x = {0, 1, 2, 3, 4, 5, 6, 7}, y(16, -1.0f), z(2);
  std::vector<int64_t> p = {7, 7, 0, 1, 2, 2, 3, 4};
  run(kernel, {8}, x, p, y, z);
  for (int l = 0; l < 8; ++l) {
    EXPECT_EQ(y[2 * l], l < 5 ? x[7 - l] * 2 + x[p[l]] : -1.0f) << l;
    EXPECT_EQ(y[2 * l + 1], 3.0f);
  }
  EXPECT_EQ(z, (std::vector<float>{10.0f, 2.0f}));
}

TEST(LoopInterpreter, FloatOpsKeepTheirMeaningAtNanInfinityAndZero) {
  EXPECT_TRUE(std::isnan(value_of("max(%x[0], %x[1])", {kNan, 1})));
  EXPECT_TRUE(std::isnan(value_of("min(%x[1], %x[0])", {kNan, 1})));
  EXPECT_TRUE(std::signbit(value_of("min(%x[0], %x[1])", {0.0f, -0.0f})));
  EXPECT_TRUE(std::signbit(value_of("min(%x[1], %x[0])", {0.0f, -0.0f})));
  EXPECT_FALSE(std::signbit(value_of("max(%x[1], %x[0])", {0.0f, -0.0f})));
  EXPECT_EQ(value_of("div(%x[0], %x[1])", {-1.0f, 0.0f}), -kInf);
  EXPECT_EQ(value_of("round_even(%x[0])", {2.5f}), 2.0f);
  EXPECT_EQ(value_of("round_even(%x[0])", {-3.5f}), -4.0f);
  EXPECT_TRUE(std::signbit(value_of("add(%x[0], -0.0)", {-0.0f})));
  EXPECT_EQ(value_of("fma(%x[0], %x[0], -1.0)", {1.0f + 0x1p-12f}), 0x1p-11f + 0x1p-24f);
  EXPECT_EQ(value_of("add(mul(%x[0], %x[0]), -1.0)", {1.0f + 0x1p-12f}), 0x1p-11f);
  EXPECT_EQ(value_of("rem(%x[0], 3.0)", {-7.5f}), -1.5f);
  EXPECT_TRUE(std::isnan(value_of("sqrt(%x[0])", {-1.0f})));
  EXPECT_EQ(value_of("select(ne(%x[0], %x[0]), 1.0, 2.0f32)", {kNan}), 1.0f);
  EXPECT_EQ(value_of("select(le(%x[0], %x[0]), 1.0, 2.0f32)", {kNan}), 2.0f);
  EXPECT_EQ(value_of("cast(f32, cast(bf16, %x[0]))", {1.00390625f}), 1.0f);
  EXPECT_EQ(value_of("cast(f32, cast(f16, %x[0]))", {70000.0f}), kInf);
}

TEST(LoopInterpreter, CastsToIntegersTruncateSaturateAndSendNanToZero) {
  EXPECT_EQ(int_value_of("cast(i64, %x[0])", {-2.9f}), -2);
  EXPECT_EQ(int_value_of("cast(i64, %x[0])", {kNan}), 0);
  EXPECT_EQ(int_value_of("cast(i64, %x[0])", {kInf}), INT64_MAX);
  EXPECT_EQ(int_value_of("cast(i64, %x[0])", {-kInf}), INT64_MIN);
  EXPECT_EQ(int_value_of("cast(i64, cast(u8, %x[0]))", {300.0f}), 255);
  EXPECT_EQ(int_value_of("cast(i64, cast(u8, %x[0]))", {-0.5f}), 0);
  EXPECT_EQ(int_value_of("cast(i64, cast(i8, %x[0]))", {-200.0f}), -128);
  EXPECT_EQ(int_value_of("cast(i64, cast(u64, %x[0]))", {0x1p63f}), INT64_MIN);
  EXPECT_EQ(int_value_of("cast(i64, cast(bool, %x[0]))", {kNan}), 1);
  EXPECT_EQ(int_value_of("cast(i64, cast(i32, %x[0]))", {0x1p31f}), INT32_MAX);
}

TEST(LoopInterpreter, IntegerOpsWrapAndNeverTrap) {
  EXPECT_EQ(int_value_of("div(m, m - m)"), -1);
  EXPECT_EQ(int_value_of("rem(m, m - m)"), INT64_MIN);
  EXPECT_EQ(int_value_of("div(m, -1)"), INT64_MIN);
  EXPECT_EQ(int_value_of("rem(m, -1)"), 0);
  EXPECT_EQ(int_value_of("m - 1"), INT64_MAX);
  EXPECT_EQ(int_value_of("abs(m)"), INT64_MIN);
  EXPECT_EQ(int_value_of("floordiv(m + 1, 2)"), INT64_MIN / 2);
  EXPECT_EQ(int_value_of("floormod(m + 1, 4)"), 1);
  EXPECT_EQ(int_value_of("shl(m, 64)"), 0);
  EXPECT_EQ(int_value_of("shr_arith(m, 200)"), -1);
  EXPECT_EQ(int_value_of("shr_logical(m, 63)"), 1);
  EXPECT_EQ(int_value_of("shr_logical(m, -1)"), 0);
  EXPECT_EQ(int_value_of("cast(i64, add(cast(u8, m + 255), 1))"), 0);
}

}  // namespace
}  // namespace strata::ir::loops
