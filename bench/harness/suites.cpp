#include "bench/harness/suite.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/cache/kernel_cache.h"
#include "strata/runtime/machine/peaks.h"

namespace strata::bench {

void run_gemm(const SuiteOptions&, const Report&);
void run_lenet_step(const SuiteOptions&, const Report&);
void run_gpt_step(const SuiteOptions&, const Report&);
void run_record(const SuiteOptions&, const Report&);
void run_compile(const SuiteOptions&, const Report&);
void run_tokenizer(const SuiteOptions&, const Report&);
void run_memory(const SuiteOptions&, const Report&);

namespace {

constexpr Suite kSuites[] = {
    {"record", "recording a chain of 10,000 ops", run_record},
    {"memory", "planned arenas against the largest sum of live bytes", run_memory},
    {"tokenizer", "training and encoding with byte-level BPE, one thread", run_tokenizer},
    {"gemm", "f32 products of square matrices", run_gemm},
    {"lenet_step", "a training step of LeNet-5, batch 64", run_lenet_step},
    {"compile", "compilation of the GPT's training step, cold and from the disk cache", run_compile},
    {"gpt_step", "a training step of a GPT of 6 layers x 256", run_gpt_step},
};

}  // namespace

std::span<const Suite> suites() { return kSuites; }

double peak_flops(int threads) {
  static const runtime::MachinePeaks peaks =
      runtime::machine_peaks(runtime::chosen_isa_level(), compiler::cache_folder());
  return 1e9 * (threads > 1 ? peaks.fma_gflops_all_threads : peaks.fma_gflops);
}

ThreadsScope::ThreadsScope(int threads) : before_(base::ThreadPool::shared().thread_count()) {
  base::ThreadPool::shared().set_thread_count(threads);
}
ThreadsScope::~ThreadsScope() { base::ThreadPool::shared().set_thread_count(before_); }

}  // namespace strata::bench
