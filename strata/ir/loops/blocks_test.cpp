#include "strata/ir/loops/blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::ir::loops {
namespace {

Kernel parsed(std::string_view text) {
  auto kernel = parse_kernel(text);
  if (!kernel.ok()) throw kernel.error();
  return *kernel;
}

template <class... T>
void run(const Kernel& kernel, std::vector<int64_t> dims, std::vector<T>&... arrays) {
  std::vector<void*> buffers = {arrays.data()...};
  RunStatus status;
  interpret(kernel, buffers, dims, status);
}

/// What is wrong with a kernel over %x: f32[N,64] and %y: f32[N,64] of this body.
std::string fault_of(const std::string& body) {
  const auto kernel = parse_kernel("kernel @k(%x: f32[N,64]) -> (%y: f32[N,64]) { " + body + " }");
  return kernel.ok() ? "" : kernel.error().text();
}

constexpr std::string_view kReverse = R"(kernel @reverse(%x: f32[N,64]) -> (%y: f32[N,64]) {
  blocks b in 0..N {
    shared %t: f32[64]
    threads i in 0..64 {
      %t[i] = %x[b, i]
      barrier
      %y[b, i] = %t[63 - i]
    }
  }
}
)";

/// Each block sums a row: every round adds the upper half of what is left to the lower one.
constexpr std::string_view kHalvingSum = R"(kernel @halving_sum(%x: f32[N,64]) -> (%y: f32[N]) {
  blocks b in 0..N {
    shared %t: f32[64]
    threads i in 0..64 {
      let own: f32 = %x[b, i]
      %t[i] = own
      barrier
      for round in 0..6 {
        let half: i64 = shr_arith(32, round)
        if lt(i, half) { %t[i] = add(%t[i], %t[i + half]) }
        barrier
      }
      if eq(i, 0) { %y[b] = add(%t[0], sub(own, own)) }
    }
  }
}
)";

/// A product by tiles of 8 by 8, whose accumulator lives across the barriers; sizes need not be multiples.
constexpr std::string_view kTiledProduct = R"(kernel @tiled(%a: f32[M,K], %b: f32[K,N]) -> (%c: f32[M,N]) {
  blocks block in 0..floordiv(M + 7, 8) * floordiv(N + 7, 8) {
    shared %s: f32[8,8]
    shared %t: f32[8,8]
    threads i in 0..8 {
      threads j in 0..8 {
        let row: i64 = floordiv(block, floordiv(N + 7, 8)) * 8 + i
        let column: i64 = floormod(block, floordiv(N + 7, 8)) * 8 + j
        var acc: f32 = 0.0
        for tile in 0..floordiv(K + 7, 8) {
          %s[i, j] = 0.0
          %t[i, j] = 0.0
          if lt(row, M) { if lt(tile * 8 + j, K) { %s[i, j] = %a[row, tile * 8 + j] } }
          if lt(column, N) { if lt(tile * 8 + i, K) { %t[i, j] = %b[tile * 8 + i, column] } }
          barrier
          for k in 0..8 { acc = fma(%s[i, k], %t[k, j], acc) }
          barrier
        }
        if lt(row, M) { if lt(column, N) { %c[row, column] = acc } }
      }
    }
  }
}
)";

TEST(Blocks, TheTextIsReadBackAndThreadsMeetAtBarriers) {
  const Kernel kernel = parsed(kReverse);
  EXPECT_EQ(print(kernel), kReverse);
  EXPECT_TRUE(has_blocks(kernel));
  EXPECT_EQ(task_count(kernel, std::vector<int64_t>{3}), 3);
  std::vector<float> x(3 * 64), y(3 * 64);
  std::iota(x.begin(), x.end(), 0.0f);
  run(kernel, {3}, x, y);
  for (int b = 0; b < 3; ++b)
    for (int i = 0; i < 64; ++i) EXPECT_EQ(y[b * 64 + i], x[b * 64 + 63 - i]);
  run(kernel, {0}, x, y);
}

TEST(Blocks, ALoopWithABarrierRunsInStepAndLocalsLiveAcrossIt) {
  const Kernel kernel = parsed(kHalvingSum);
  std::vector<float> x(5 * 64), y(5);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  run(kernel, {5}, x, y);
  for (size_t b = 0; b < 5; ++b) {
    std::vector<float> left(x.begin() + static_cast<long>(b * 64), x.begin() + static_cast<long>(b * 64 + 64));
    for (size_t half = 32; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) left[i] += left[i + half];
    EXPECT_EQ(y[b], left[0]);
  }
}

TEST(Blocks, ATiledProductIsTheSameChainAsTheLoopsOfADot) {
  const Kernel kernel = parsed(kTiledProduct);
  for (const auto& [m, k, n] : {std::array{1, 1, 1}, {8, 8, 8}, {13, 17, 11}, {3, 0, 2}, {0, 4, 4}}) {
    std::vector<float> a(m * k + 1), b(k * n + 1), c(m * n + 1, -1.0f);
    for (size_t i = 0; i < a.size(); ++i) a[i] = std::sin(static_cast<float>(i) * 1.7f);
    for (size_t i = 0; i < b.size(); ++i) b[i] = std::cos(static_cast<float>(i) * 0.3f);
    run(kernel, {m, k, n}, a, b, c);
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        float acc = 0;
        for (int l = 0; l < (k + 7) / 8 * 8; ++l)
          acc = std::fma(l < k ? a[i * k + l] : 0, l < k ? b[l * n + j] : 0, acc);
        EXPECT_EQ(c[i * n + j], acc) << m << " " << k << " " << n;
      }
  }
}

TEST(Blocks, MemoryOfAThreadAndVectorsLiveAcrossABarrier) {
  const Kernel kernel = parsed(R"(kernel @v(%x: f32[4,8]) -> (%y: f32[4,8]) {
    blocks b in 0..1 {
      shared %t: f32[4]
      threads i in 0..4 {
        scratch %own: f32[2]
        var v: f32x8 = %x[i, ramp(0, 1, 8)]
        %own[1] = cast(f32, i)
        %t[i] = lane(v, 7)
        barrier
        v = add(v, broadcast(%t[3 - i], 8))
        %y[i, ramp(0, 1, 8)] = add(v, broadcast(%own[1], 8))
      }
    } })");
  std::vector<float> x(32), y(32);
  std::iota(x.begin(), x.end(), 1.0f);
  run(kernel, {}, x, y);
  for (size_t i = 0; i < 4; ++i)
    for (size_t l = 0; l < 8; ++l) EXPECT_EQ(y[i * 8 + l], x[i * 8 + l] + x[(3 - i) * 8 + 7] + static_cast<float>(i));
}

TEST(Blocks, WithoutThemIsAValidKernelOfTasksAndLoops) {
  for (std::string_view text : {kReverse, kHalvingSum, kTiledProduct}) {
    const Kernel kernel = parsed(text);
    const Kernel loops = without_blocks(kernel);
    EXPECT_FALSE(has_blocks(loops));
    EXPECT_EQ(find_fault(loops, Stage::Scheduled).has_value(), false) << print(loops);
    EXPECT_EQ(print(parsed(print(loops))), print(loops));
    EXPECT_EQ(structural_hash(parsed(print(kernel))), structural_hash(kernel));
  }
}

TEST(Blocks, ARaceGivesOtherBitsInTheOtherOrder) {
  std::vector<float> x(2 * 64), y(2 * 64);
  std::iota(x.begin(), x.end(), 1.0f);
  const void* const buffers[] = {x.data(), y.data()};
  const int64_t dims[] = {2};
  EXPECT_EQ(find_race(parsed(kReverse), buffers, dims), std::nullopt);
  std::string racy(kReverse);
  racy.erase(racy.find("      barrier\n"), std::string_view("      barrier\n").size());
  EXPECT_EQ(find_race(parsed(racy), buffers, dims), "%y: element 0");
  const void* const sums[] = {x.data(), y.data()};
  EXPECT_EQ(find_race(parsed(kHalvingSum), sums, dims), std::nullopt);
}

TEST(Blocks, WhatStandsInTheWrongPlaceIsRefusedByName) {
  const std::string threads = "blocks b in 0..N { shared %t: f32[64] threads i in 0..64 { ";
  const std::pair<std::string, std::string> cases[] = {
      {"parallel b in 0..N { threads i in 0..64 { %y[b, i] = 0.0 } }", "stand in a blocks loop"},
      {"blocks b in 0..N { barrier }", "outside of threads"},
      {"blocks b in 0..N { %y[b, 0] = 0.0 }", "only threads do this"},
      {"blocks b in 0..N { scratch %t: f32[4] threads i in 0..4 { %t[i] = 0.0 } }", "memory of a block is shared"},
      {"blocks b in 0..N { shared %t: f32[N] threads i in 0..4 { %t[i] = 0.0 } }",
       "the shared buffer %t has the extent N"},
      {"blocks b in 0..N { threads i in 0..N { %y[b, i] = 0.0 } }", "from 0 to a constant"},
      {"blocks b in 0..N { threads i in 0..64 { threads j in 0..32 { %y[b, i] = 0.0 } } }", "more than 1024 threads"},
      {"for k in 0..2 { blocks b in 0..N { threads i in 0..64 { %y[b, i] = 0.0 } } }", "not the kernel's whole body"},
      {threads + "%t[i] = 0.0 threads j in 0..2 { %t[i] = 1.0 } } }", "threads within threads"},
      {threads + "shared %u: f32[2] %u[0] = 0.0 } }", "not by their block"},
      {threads + "if lt(i, 3) { barrier } %y[b, i] = %t[i] } }", "where not every thread may come"},
      {threads + "let n: i64 = i for k in 0..n { barrier } %y[b, i] = %t[i] } }", "where not every thread may come"},
      {threads + "while gt(%t[0], 0.0) { barrier } } }", "stands in a while"},
      {"blocks b in 0..N { var n: i64 = 0 threads i in 0..64 { n = i } }", "belongs to the block"},
  };
  for (const auto& [body, expected] : cases)
    EXPECT_NE(fault_of(body).find(expected), std::string::npos) << body << "\n" << fault_of(body);
}

}  // namespace
}  // namespace strata::ir::loops
