#include "strata/compiler/tune/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/random/splitmix64.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/kernel_run.h"

namespace strata::compiler::tune {

using ir::HostArray;
using ir::loops::BufferKind;
using ir::loops::Kernel;

namespace {

constexpr std::string_view kWrongBits = "bits ", kMeasured = "time ";

void set_random(HostArray& a, int64_t i, base::SplitMix64& random) {
  if (ir::is_float(a.dtype()))
    a.set(i, 2 * random.unit() - 1);
  else  // positions have 64 bits, and what they lead to has two elements at least
    a.set_int(i,
              static_cast<int64_t>(random.below(ir::dtype_bytes(a.dtype()) == 8 || ir::is_bool(a.dtype()) ? 2 : 64)));
}

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Runs of one kernel on arrays of its own results.
class Running {
 public:
  Running(LoadedKernel code, std::span<const int64_t> dims, std::span<const HostArray> buffers,
          const std::vector<bool>& is_written, base::ThreadPool* pool)
      : code_(code), dims_(dims), pool_(pool) {
    for (size_t p = 0; p < buffers.size(); ++p) arrays_.push_back(is_written[p] ? buffers[p].clone() : buffers[p]);
    for (HostArray& a : arrays_) pointers_.push_back(a.data());
    code_.needs(dims_.data(), &needs_);
    // Threads don't share lines of their scratch.
    stride_ = (needs_.scratch_bytes + 4095) / 4096 * 4096;
    scratch_ = HostArray(ir::DType::u8, {stride_ * (pool_ ? pool_->thread_count() : 1)});
  }

  void operator()() {
    status_ = {};
    if (!pool_) return tasks({0, needs_.tasks, 0});
    pool_->run(needs_.tasks, [this](base::TaskRange range) { tasks(range); });
  }

  double seconds_of_runs(int64_t runs) {
    const clockid_t clock = pool_ ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    const double begin = seconds_of(clock);
    for (int64_t i = 0; i < runs; ++i) (*this)();
    return (seconds_of(clock) - begin) / static_cast<double>(runs);
  }

  std::span<const HostArray> arrays() const { return arrays_; }
  int32_t status() const { return status_.code; }

 private:
  void tasks(base::TaskRange range) {
    runtime::KernelContext context{&status_, scratch_.data() + stride_ * range.slot};
    code_.run(&context, pointers_.data(), dims_.data(), range.begin, range.end);
  }

  LoadedKernel code_;
  std::span<const int64_t> dims_;
  base::ThreadPool* pool_;
  std::vector<HostArray> arrays_;
  std::vector<void*> pointers_;
  runtime::KernelNeeds needs_;
  int64_t stride_ = 0;
  HostArray scratch_;
  runtime::KernelStatus status_;
};

struct Contest {
  double quotient, seconds;
};

/// By turns, who begins too, until the samples are enough or the time is up.
Contest compare(Running& incumbent, Running& candidate, Effort effort) {
  constexpr double kSample = 200e-6, kClearlySlow = 1.25;
  const bool is_thorough = effort == Effort::Thorough;
  const size_t most = is_thorough ? 31 : 11, least = is_thorough ? 7 : 3;
  const double budget = is_thorough ? 0.6 : 0.06;
  const double once = std::max({incumbent.seconds_of_runs(1), candidate.seconds_of_runs(1), 1e-9});
  const auto runs = std::clamp<int64_t>(static_cast<int64_t>(kSample / once), 1, 10000);
  std::vector<double> quotients, times;
  double spent = 0;
  while (quotients.size() < most && (quotients.size() < least || spent < budget)) {
    const bool candidate_first = quotients.size() % 2 == 1;
    double own = candidate_first ? candidate.seconds_of_runs(runs) : 0;
    const double other = incumbent.seconds_of_runs(runs);
    if (!candidate_first) own = candidate.seconds_of_runs(runs);
    times.push_back(own);
    quotients.push_back(own / std::max(other, 1e-12));
    spent += (own + other) * static_cast<double>(runs);
    if (!is_thorough && quotients.size() == least && median(quotients) > kClearlySlow) break;
  }
  return {median(quotients), median(times)};
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  constexpr std::string_view kNames[] = {"measured", "wrong bits", "failed", "crashed", "timed out"};
  return kNames[static_cast<size_t>(outcome)];
}

struct KernelBench::Code {
  std::shared_ptr<const LoadedObject> object;
  LoadedKernel kernel;
};

KernelBench::KernelBench(NaiveKernel naive, const Target& target, std::vector<int64_t> dims, BenchOptions options)
    : naive_(std::move(naive)), target_(target), dims_(std::move(dims)), options_(options) {
  const Kernel kernel = naive_();
  base::SplitMix64 random(base::mix_bits(1));
  buffers_ = make_buffers(kernel, dims_, [&](HostArray& a, int64_t i) { set_random(a, i, random); });
  for (const ir::loops::Buffer* buffer : kernel.params) is_written_.push_back(buffer->kind != BufferKind::Input);
  incumbent_ = std::make_unique<Code>(compiled(""));
}

KernelBench::~KernelBench() = default;

/// Empty rewrites: the heuristic's.
KernelBench::Code KernelBench::compiled(const std::string& rewrites) const {
  const Kernel made = target_.schedule(naive_(), nullptr, {.rewrites = rewrites, .is_strict = true});
  const Kernel* const kernels[] = {&made};
  Code code;
  code.object = target_.load(target_.compile(kernels));
  code.kernel = code.object->find(made.name);
  return code;
}

/// In the child: the answer as text.
std::string KernelBench::run(const std::string& rewrites, Effort effort) const {
  std::unique_ptr<base::ThreadPool> pool;  // that of the process has lost its workers here
  if (options_.threads > 1) pool = std::make_unique<base::ThreadPool>(options_.threads);
  const Code code = compiled(rewrites);
  Running incumbent(incumbent_->kernel, dims_, buffers_, is_written_, pool.get());
  Running candidate(code.kernel, dims_, buffers_, is_written_, pool.get());
  incumbent();
  candidate();
  if (incumbent.status() != candidate.status())
    return fmt::format("{}status {}, expected {}", kWrongBits, candidate.status(), incumbent.status());
  if (const auto text = first_difference(incumbent.arrays(), candidate.arrays()))
    return std::string(kWrongBits) + *text;
  const Contest contest = compare(incumbent, candidate, effort);
  return fmt::format("{}{:.17g} {:.17g}", kMeasured, contest.quotient, contest.seconds);
}

Trial KernelBench::measure(const std::string& rewrites, Effort effort) {
  const ChildAnswer answer = run_in_child([&] { return run(rewrites, effort); }, options_.limits);
  Trial trial;
  trial.reason = answer.text;
  switch (answer.end) {
    case ChildEnd::Threw:
      trial.outcome = Outcome::Failed;
      return trial;
    case ChildEnd::Crashed:
      trial.outcome = Outcome::Crashed;
      return trial;
    case ChildEnd::TimedOut:
      trial.outcome = Outcome::TimedOut;
      return trial;
    case ChildEnd::Answered:
      break;
  }
  if (!answer.text.starts_with(kMeasured)) {
    trial.outcome = Outcome::WrongBits;
    trial.reason = answer.text.substr(std::min(kWrongBits.size(), answer.text.size()));
    return trial;
  }
  char* end = nullptr;
  trial.quotient = std::strtod(answer.text.c_str() + kMeasured.size(), &end);
  trial.seconds = std::strtod(end, nullptr);
  trial.reason.clear();
  return trial;
}

bool KernelBench::promote(const std::string& rewrites) {
  try {
    *incumbent_ = compiled(rewrites);
    return true;
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace strata::compiler::tune
