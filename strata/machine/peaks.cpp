#include "strata/machine/peaks.h"

#include <fmt/format.h>
#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/hash.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/log.h"

namespace strata::machine {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Twelve independent chains cover a latency of 4 to 6 cycles on two units; x * 0.5 + 1 stays near 2, far from
// denormals.
constexpr int kChains = 12;

__attribute__((target("avx512f"))) float chains_avx512(int64_t rounds) {
  __m512 x[kChains];
  for (auto& chain : x) chain = _mm512_set1_ps(1.0f);
  const __m512 half = _mm512_set1_ps(0.5f), one = _mm512_set1_ps(1.0f);
  for (int64_t r = 0; r < rounds; ++r)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = _mm512_fmadd_ps(x[i], half, one);
  float sum = 0;
  for (auto& chain : x) sum += _mm512_cvtss_f32(chain);
  return sum;
}

__attribute__((target("avx2,fma"))) float chains_avx2(int64_t rounds) {
  __m256 x[kChains];
  for (auto& chain : x) chain = _mm256_set1_ps(1.0f);
  const __m256 half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
  for (int64_t r = 0; r < rounds; ++r)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = _mm256_fmadd_ps(x[i], half, one);
  float sum = 0;
  for (auto& chain : x) sum += _mm256_cvtss_f32(chain);
  return sum;
}

/// Multiplications and additions: the baseline has no FMA instruction.
float chains_baseline(int64_t rounds) {
  __m128 x[kChains];
  for (auto& chain : x) chain = _mm_set1_ps(1.0f);
  const __m128 half = _mm_set1_ps(0.5f), one = _mm_set1_ps(1.0f);
  for (int64_t r = 0; r < rounds; ++r)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) x[i] = _mm_add_ps(_mm_mul_ps(x[i], half), one);
  float sum = 0;
  for (auto& chain : x) sum += _mm_cvtss_f32(chain);
  return sum;
}

float run_chains(const CpuTarget& target, int64_t rounds) {
  if (target.features.has(CpuFeature::Avx512)) return chains_avx512(rounds);
  return target.features.has(CpuFeature::Avx2) ? chains_avx2(rounds) : chains_baseline(rounds);
}

std::atomic<uint64_t> sink;  // keeps results from being optimised away

/// The best of some runs: other guests of the machine only ever take away.
template <class Work>
double best_rate(int runs, double amount, Work&& work) {
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    const double start = seconds();
    work();
    best = std::max(best, amount / (seconds() - start));
  }
  return best;
}

void measure_arithmetic(const CpuTarget& target, base::ThreadPool& pool, MachinePeaks& peaks) {
  constexpr int64_t kRounds = 40'000;
  const double operations = 2.0 * kChains * kRounds * target.vectors.lanes(4);
  auto one = [&] { sink += static_cast<uint64_t>(run_chains(target, kRounds)); };
  one();  // wakes the wide units
  peaks.fma_gflops = best_rate(12, operations / 1e9, one);
  peaks.fma_gflops_all_threads = best_rate(12, operations * pool.thread_count() / 1e9, [&] {
    pool.run(pool.thread_count(), [&](base::TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) one();
    });
  });
}

/// Larger than what a guest holds of a last-level cache, with huge pages so that mapping it takes few ms.
constexpr size_t kMemoryBytes = size_t{192} << 20;

uint64_t read_words(const uint64_t* words, size_t count) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8)
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] ^= words[i + lane];
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

void measure_memory(base::ThreadPool& pool, MachinePeaks& peaks) {
  void* mapped = mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return;  // the figures stay 0: unknown
  madvise(mapped, kMemoryBytes, MADV_HUGEPAGE);
  constexpr int64_t kParts = 64;
  constexpr size_t kPartWords = kMemoryBytes / kParts / sizeof(uint64_t);
  auto* words = static_cast<uint64_t*>(mapped);
  pool.run(kParts, [&](base::TaskRange range) {
    std::memset(words + static_cast<size_t>(range.begin) * kPartWords, 1,
                static_cast<size_t>(range.end - range.begin) * kPartWords * sizeof(uint64_t));
  });
  const double gbytes = kMemoryBytes / 1e9;
  peaks.memory_gbytes_per_s = best_rate(2, gbytes, [&] { sink += read_words(words, kPartWords * kParts); });
  peaks.memory_gbytes_per_s_all_threads = best_rate(3, gbytes, [&] {
    pool.run(kParts, [&](base::TaskRange range) {
      sink += read_words(words + static_cast<size_t>(range.begin) * kPartWords,
                         static_cast<size_t>(range.end - range.begin) * kPartWords);
    });
  });
  munmap(mapped, kMemoryBytes);
}

std::string file_of(const CpuTarget& target, int threads, const std::string& folder) {
  return fmt::format("{}/peaks-{}-{}-{}.txt", folder, cpu_fingerprint(), target.name, threads);
}

/// "strata-peaks 2 <threads> <fma> <fma all> <memory> <memory all> <hash of the line up to here>"
std::string text_of(const MachinePeaks& peaks) {
  const std::string line =
      fmt::format("strata-peaks 2 {} {:.1f} {:.1f} {:.1f} {:.1f}", peaks.threads, peaks.fma_gflops,
                  peaks.fma_gflops_all_threads, peaks.memory_gbytes_per_s, peaks.memory_gbytes_per_s_all_threads);
  return fmt::format("{} {}\n", line, base::hash_text(line).hex());
}

/// What stands in such a text; nothing where it is another, whatever its figures are.
std::optional<MachinePeaks> parse(const std::string& text) {
  MachinePeaks peaks;
  const int fields =
      std::sscanf(text.c_str(), "strata-peaks 2 %d %lf %lf %lf %lf", &peaks.threads, &peaks.fma_gflops,
                  &peaks.fma_gflops_all_threads, &peaks.memory_gbytes_per_s, &peaks.memory_gbytes_per_s_all_threads);
  const size_t end = std::min(text.rfind(' '), text.size());
  if (fields != 5 || text.substr(end) != fmt::format(" {}\n", base::hash_text(text.substr(0, end)).hex()))
    return std::nullopt;
  return peaks.fma_gflops > 0 && std::isfinite(peaks.fma_gflops) ? std::optional(peaks) : std::nullopt;
}

/// What was kept, of so many threads. A file that is damaged is named, since the run is the slower for it.
std::optional<MachinePeaks> read_kept(const std::string& path, int threads) {
  const auto text = base::read_text(path);
  if (!text) return std::nullopt;
  const std::optional<MachinePeaks> kept = parse(*text);
  if (kept && kept->threads == threads) return kept;
  if (!text->starts_with("strata-peaks 1 "))  // of a version without a hash
    base::log_warn("{}: the figures of this machine's speed are damaged; they are measured again", path);
  return std::nullopt;
}

/// A machine that was busy while it was measured shows less than it has: then, and each hour, it is measured again, and
/// the best of all times stands.
bool should_measure_again(const MachinePeaks& kept, const std::string& path) {
  constexpr std::chrono::hours kOld{1};
  std::error_code error;
  const auto written = std::filesystem::last_write_time(path, error);
  const bool was_busy = kept.fma_gflops_all_threads < 0.8 * kept.threads * kept.fma_gflops;
  return error || was_busy || std::filesystem::file_time_type::clock::now() - written > kOld;
}

MachinePeaks best_of(const MachinePeaks& a, const MachinePeaks& b) {
  return {a.threads, std::max(a.fma_gflops, b.fma_gflops), std::max(a.fma_gflops_all_threads, b.fma_gflops_all_threads),
          std::max(a.memory_gbytes_per_s, b.memory_gbytes_per_s),
          std::max(a.memory_gbytes_per_s_all_threads, b.memory_gbytes_per_s_all_threads)};
}

}  // namespace

MachinePeaks measure_peaks(const CpuTarget& target) {
  base::ThreadPool& pool = base::ThreadPool::shared();
  MachinePeaks peaks;
  peaks.threads = pool.thread_count();
  measure_arithmetic(target, pool, peaks);
  measure_memory(pool, peaks);
  return peaks;
}

MachinePeaks machine_peaks(const CpuTarget& target, const std::string& folder) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  const int threads = base::ThreadPool::shared().thread_count();
  const std::string path = file_of(target, threads, folder);
  if (folder.empty()) return measure_peaks(target);
  const std::optional<MachinePeaks> kept = read_kept(path, threads);
  if (kept && !should_measure_again(*kept, path)) return *kept;
  const MachinePeaks peaks = kept ? best_of(measure_peaks(target), *kept) : measure_peaks(target);
  try {
    base::make_folders(folder);
    base::write_file(path, text_of(peaks));
  } catch (const base::Error&) {
    // A read-only cache folder is fine: the next start measures again.
  }
  return peaks;
}

}  // namespace strata::machine
