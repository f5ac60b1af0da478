#include "strata/machine/memory_levels.h"

#include <immintrin.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>

#include "strata/base/threads/thread_pool.h"

namespace strata::machine {
namespace {

std::atomic<uint64_t> sink;  // keeps results from being optimised away

// Eight loads in flight; or costs less than any port that loads need.
__attribute__((target("avx512f"))) uint64_t read_avx512(const std::byte* data, size_t bytes) {
  __m512i sums[8] = {};
  for (size_t i = 0; i + 512 <= bytes; i += 512)
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) sums[k] = _mm512_or_si512(sums[k], _mm512_loadu_si512(data + i + 64 * k));
  for (int k = 1; k < 8; ++k) sums[0] = _mm512_or_si512(sums[0], sums[k]);
  uint64_t words[8];
  _mm512_storeu_si512(words, sums[0]);
  return words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7];
}

__attribute__((target("avx2"))) uint64_t read_avx2(const std::byte* data, size_t bytes) {
  __m256i sums[8] = {};
  for (size_t i = 0; i + 256 <= bytes; i += 256)
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k)
      sums[k] = _mm256_or_si256(sums[k], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i + 32 * k)));
  uint64_t sum = 0;
  for (const __m256i& s : sums) sum |= static_cast<uint64_t>(_mm256_extract_epi64(s, 0) | _mm256_extract_epi64(s, 2));
  return sum;
}

uint64_t read_baseline(const std::byte* data, size_t bytes) {
  __m128i sums[8] = {};
  for (size_t i = 0; i + 128 <= bytes; i += 128)
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k)
      sums[k] = _mm_or_si128(sums[k], _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i + 16 * k)));
  uint64_t sum = 0;
  for (const __m128i& s : sums) sum |= static_cast<uint64_t>(_mm_cvtsi128_si64(s));
  return sum;
}

uint64_t read(const CpuTarget& target, const std::byte* data, size_t bytes) {
  if (target.features.has(CpuFeature::Avx512)) return read_avx512(data, bytes);
  return target.features.has(CpuFeature::Avx2) ? read_avx2(data, bytes) : read_baseline(data, bytes);
}

/// GB/s of `threads` that each read `bytes` again and again; the best of some runs, of few where they take long.
double rate(const CpuTarget& target, int threads, const std::vector<std::byte>& memory, size_t bytes) {
  constexpr size_t kRunBytes = size_t{48} << 20;
  constexpr int kRuns = 7;
  const size_t rounds = std::max<size_t>(2, kRunBytes / bytes);
  constexpr double kEnoughSeconds = 0.1;
  double best = 0, all = 0;
  for (int run = 0; run < kRuns && (run < 2 || all < kEnoughSeconds); ++run) {
    const auto start = std::chrono::steady_clock::now();
    base::ThreadPool::shared().run(threads, [&](base::TaskRange range) {
      uint64_t seen = 0;
      for (int64_t t = range.begin; t < range.end; ++t)
        for (size_t r = 0; r < rounds; ++r) seen |= read(target, memory.data() + t * bytes, bytes);
      sink |= seen;
    });
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    all += taken.count();
    best = std::max(best, static_cast<double>(threads * rounds * bytes) / 1e9 / taken.count());
  }
  return best;
}

}  // namespace

std::vector<MemoryLevel> measure_memory_levels(const CpuTarget& target, const MachinePeaks& peaks) {
  struct Named {
    const char* name;
    int parameter;
    bool is_shared;
  };
  constexpr Named kNamed[] = {
      {"L1", _SC_LEVEL1_DCACHE_SIZE, false}, {"L2", _SC_LEVEL2_CACHE_SIZE, false}, {"L3", _SC_LEVEL3_CACHE_SIZE, true}};
  const int threads = std::max(1, peaks.threads);
  std::vector<MemoryLevel> levels;
  for (const Named& n : kNamed) {
    const int64_t bytes = sysconf(n.parameter);
    if (bytes <= 0 || (!levels.empty() && bytes <= levels.back().bytes)) continue;
    // Half of it, so that what else lies there stays; of a shared one, what a guest of several may hope for.
    const int64_t before = levels.empty() ? 0 : levels.back().bytes;
    const int64_t part = n.is_shared ? std::max(2 * before, bytes / 4 / threads) : bytes / 2;
    const size_t used = static_cast<size_t>(part) / 512 * 512;
    if (used == 0) continue;
    const std::vector<std::byte> memory(used * threads, std::byte{1});
    levels.push_back({n.name, bytes, rate(target, 1, memory, used), rate(target, threads, memory, used)});
  }
  levels.push_back(
      {"DRAM", std::numeric_limits<int64_t>::max(), peaks.memory_gbytes_per_s, peaks.memory_gbytes_per_s_all_threads});
  return levels;
}

}  // namespace strata::machine
