#include "strata/base/threads/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "strata/base/threads/mailbox.h"
#include "strata/base/trace/span.h"

namespace strata::base {
namespace {

constexpr int64_t kSpinNs = 20'000;
/// The caller has nothing better to do than to wait, and its wake-up stands in the way of the next run: it spins
/// longer.
constexpr int64_t kCallerSpins = 10;

/// Set while this thread works on a run, or must not start one.
thread_local bool serial_here = false;

struct Worker {
  Mailbox mailbox;
  std::thread thread;
};

/// What the slots of one run share. Written by the caller before it posts, read by workers after they took the work.
struct Job {
  int64_t task_count = 0;
  ThreadPool::RangeFunction function = nullptr;
  void* context = nullptr;
  RunOptions options;
  int slots = 0;
  std::atomic<int64_t> next{0};              ///< Split::Dynamic: the first task that nobody has taken
  std::atomic<bool> failed{false};           ///< slots stop at their next range
  std::vector<std::exception_ptr> failures;  ///< one a slot
};

}  // namespace

int available_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
  return std::max(1u, std::thread::hardware_concurrency());  // more CPUs than a cpu_set_t holds
}

SerialScope::SerialScope() : before_(serial_here) { serial_here = true; }
SerialScope::~SerialScope() { serial_here = before_; }

struct ThreadPool::State {
  std::mutex run_mutex;  ///< held for a run and for changes of the workers
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<int> thread_count{1};
  std::atomic<int64_t> spin_ns{kSpinNs};  ///< as in force: 0 while parked
  int64_t wanted_spin_ns = kSpinNs;       ///< as set; under run_mutex
  bool parked = false;                    ///< under run_mutex
  Job job;

  void start(int threads);
  void stop();
  void work(int slot, Mailbox& mailbox);
  void run_slot(int slot) noexcept;
  void run_ranges(int slot);
};

void ThreadPool::State::start(int threads) {
  thread_count = threads;
  job.failures.assign(threads, nullptr);
  for (int slot = 1; slot < threads; ++slot) {
    workers.push_back(std::make_unique<Worker>());
    Mailbox& mailbox = workers.back()->mailbox;
    workers.back()->thread = std::thread([this, slot, &mailbox] { work(slot, mailbox); });
  }
}

void ThreadPool::State::stop() {
  for (auto& worker : workers) worker->mailbox.close();
  for (auto& worker : workers) worker->thread.join();
  workers.clear();
}

void ThreadPool::State::work(int slot, Mailbox& mailbox) {
  serial_here = true;
  set_thread_name("worker " + std::to_string(slot));
  while (mailbox.await(spin_ns)) {
    run_slot(slot);
    mailbox.finish();
  }
}

void ThreadPool::State::run_slot(int slot) noexcept {
  try {
    run_ranges(slot);
  } catch (...) {
    job.failures[slot] = std::current_exception();
    job.failed = true;
  }
}

void ThreadPool::State::run_ranges(int slot) {
  const auto call = [&](int64_t begin, int64_t end) { job.function(job.context, {begin, end, slot}); };
  if (job.options.split == Split::Static) {
    const int64_t whole = job.task_count / job.slots, rest = job.task_count % job.slots;
    const int64_t begin = slot * whole + std::min<int64_t>(slot, rest);
    return call(begin, begin + whole + (slot < rest ? 1 : 0));
  }
  const int64_t chunk = job.options.chunk;
  while (!job.failed.load(std::memory_order_relaxed)) {
    const int64_t begin = job.next.fetch_add(chunk, std::memory_order_relaxed);
    if (begin >= job.task_count) return;
    call(begin, std::min(begin + chunk, job.task_count));
  }
}

ThreadPool& ThreadPool::shared() {
  static ThreadPool pool;
  return pool;
}

namespace {

int checked_count(int threads) {
  OptionCheck("E0760", "thread pool").integer("threads", threads, kThreadCount);
  return threads > 0 ? threads : available_cpus();
}

}  // namespace

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) { state_->start(checked_count(threads)); }

ThreadPool::~ThreadPool() { state_->stop(); }

void ThreadPool::run_erased(int64_t task_count, RangeFunction function, void* context, RunOptions options) {
  if (task_count <= 0) return;
  State& state = *state_;
  std::unique_lock lock(state.run_mutex, std::defer_lock);
  if (task_count == 1 || serial_here || !lock.try_lock() || state.workers.empty())
    return function(context, {0, task_count, 0});
  Job& job = state.job;
  options.chunk = std::max<int64_t>(1, options.chunk);
  job.task_count = task_count;
  job.function = function;
  job.context = context;
  job.options = options;
  job.next.store(0, std::memory_order_relaxed);
  job.failed.store(false, std::memory_order_relaxed);
  const int64_t ranges = options.split == Split::Static ? task_count : (task_count + options.chunk - 1) / options.chunk;
  job.slots = static_cast<int>(std::min<int64_t>(state.thread_count.load(std::memory_order_relaxed), ranges));

  for (int slot = 1; slot < job.slots; ++slot) state.workers[slot - 1]->mailbox.post();
  SerialScope inside;
  state.run_slot(0);
  for (int slot = 1; slot < job.slots; ++slot)
    if (state.workers[slot - 1]->mailbox.take_back()) {
      if (!job.failed) state.run_slot(slot);
    } else {
      state.workers[slot - 1]->mailbox.collect(kCallerSpins * state.spin_ns.load(std::memory_order_relaxed));
    }
  if (!job.failed) return;
  std::exception_ptr first;
  for (std::exception_ptr& failure : job.failures) {
    if (failure && !first) first = failure;
    failure = nullptr;
  }
  lock.unlock();
  std::rethrow_exception(first);
}

int ThreadPool::thread_count() const { return state_->thread_count.load(); }

void ThreadPool::set_thread_count(int threads) {
  threads = checked_count(threads);
  std::lock_guard lock(state_->run_mutex);
  if (threads == state_->thread_count) return;
  state_->stop();
  state_->start(threads);
}

void ThreadPool::set_spin_ns(int64_t spin_ns) {
  OptionCheck("E0760", "thread pool").integer("spin_ns", spin_ns, Bounds::at_least(0));
  std::lock_guard lock(state_->run_mutex);
  state_->wanted_spin_ns = spin_ns;
  if (!state_->parked) state_->spin_ns = spin_ns;
}

void ThreadPool::park() {
  std::lock_guard lock(state_->run_mutex);
  state_->parked = true;
  state_->spin_ns = 0;
  for (auto& worker : state_->workers) worker->mailbox.wait_until_asleep();
}

void ThreadPool::unpark() {
  std::lock_guard lock(state_->run_mutex);
  state_->parked = false;
  state_->spin_ns = state_->wanted_spin_ns;
}

}  // namespace strata::base
