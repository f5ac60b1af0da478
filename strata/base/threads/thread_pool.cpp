#include "strata/base/threads/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/base/error/codes/train_codes.h"
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

/// One of the runs under way.
struct Counted {
  explicit Counted(std::atomic<int>& runs) : runs_(runs), count(runs.fetch_add(1, std::memory_order_relaxed) + 1) {}
  ~Counted() { runs_.fetch_sub(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;

 private:
  std::atomic<int>& runs_;

 public:
  const int count;  ///< with this one
};

/// What the slots of one run share. Written by the caller before it posts, read by workers after they took the work.
struct Job {
  int64_t task_count;
  ThreadPool::RangeFunction function;
  void* context;
  RunOptions options;
  int slots = 1;
  std::atomic<int64_t> next{0};     ///< Split::Dynamic: the first task that nobody has taken
  std::atomic<bool> failed{false};  ///< slots stop at their next range

  void run_ranges(int slot);
  /// What the slot threw, if it did.
  std::exception_ptr run_slot(int slot) noexcept;
};

struct Worker {
  std::atomic<bool> is_taken{false};  ///< by a run
  Job* job = nullptr;                 ///< of that run, and the worker's slot in it
  int slot = 0;
  std::exception_ptr failure;
  Mailbox mailbox;
  std::thread thread;
};

void Job::run_ranges(int slot) {
  const auto call = [&](int64_t begin, int64_t end) { function(context, {begin, end, slot}); };
  if (options.split == Split::Static) {
    const int64_t whole = task_count / slots, rest = task_count % slots;
    const int64_t begin = slot * whole + std::min<int64_t>(slot, rest);
    return call(begin, begin + whole + (slot < rest ? 1 : 0));
  }
  while (!failed.load(std::memory_order_relaxed)) {
    const int64_t begin = next.fetch_add(options.chunk, std::memory_order_relaxed);
    if (begin >= task_count) return;
    call(begin, std::min(begin + options.chunk, task_count));
  }
}

std::exception_ptr Job::run_slot(int slot) noexcept {
  try {
    run_ranges(slot);
    return nullptr;
  } catch (...) {
    failed = true;
    return std::current_exception();
  }
}

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
  std::shared_mutex workers_mutex;  ///< shared by runs; held alone for changes of the workers
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<int> thread_count{1};
  std::atomic<int> runs{0};               ///< under way
  std::atomic<int64_t> spin_ns{kSpinNs};  ///< as in force: 0 while parked
  int64_t wanted_spin_ns = kSpinNs;       ///< as set; under workers_mutex
  bool parked = false;                    ///< under workers_mutex

  void start(int threads);
  void stop();
  void work(int number, Worker& worker);
  /// Idle workers, as many as the run may have; each has its slot.
  std::vector<Worker*>& take_workers(Job& job, int most_slots);
  void run(Job& job, int most_slots);
};

void ThreadPool::State::start(int threads) {
  thread_count = threads;
  for (int number = 1; number < threads; ++number) {
    workers.push_back(std::make_unique<Worker>());
    Worker& worker = *workers.back();
    worker.thread = std::thread([this, number, &worker] { work(number, worker); });
  }
}

void ThreadPool::State::stop() {
  for (auto& worker : workers) worker->mailbox.close();
  for (auto& worker : workers) worker->thread.join();
  workers.clear();
}

void ThreadPool::State::work(int number, Worker& worker) {
  serial_here = true;
  set_thread_name("worker " + std::to_string(number));
  while (worker.mailbox.await(spin_ns)) {
    worker.failure = worker.job->run_slot(worker.slot);
    worker.mailbox.finish();
  }
}

std::vector<Worker*>& ThreadPool::State::take_workers(Job& job, int most_slots) {
  thread_local std::vector<Worker*> taken;  // a run allocates nothing
  taken.clear();
  taken.reserve(workers.size());  // before any is taken: nothing may throw then
  for (const auto& worker : workers) {
    if (job.slots >= most_slots) break;
    if (worker->is_taken.exchange(true, std::memory_order_acquire)) continue;
    worker->job = &job;
    worker->slot = job.slots++;
    taken.push_back(worker.get());
  }
  return taken;
}

void ThreadPool::State::run(Job& job, int most_slots) {
  const std::vector<Worker*>& taken = take_workers(job, most_slots);
  for (Worker* worker : taken) worker->mailbox.post();
  SerialScope inside;
  std::exception_ptr first = job.run_slot(0);
  for (Worker* worker : taken) {
    std::exception_ptr failure;
    if (worker->mailbox.take_back()) {
      if (!job.failed) failure = job.run_slot(worker->slot);
    } else {
      worker->mailbox.collect(kCallerSpins * spin_ns.load(std::memory_order_relaxed));
      failure = std::exchange(worker->failure, nullptr);
    }
    if (!first) first = failure;
    worker->is_taken.store(false, std::memory_order_release);
  }
  if (first) std::rethrow_exception(first);
}

ThreadPool& ThreadPool::shared() {
  static ThreadPool pool;
  return pool;
}

namespace {

int checked_count(int threads) {
  OptionCheck(code::kOptionOutOfRange, "thread pool").integer("threads", threads, kThreadCount);
  return threads > 0 ? threads : available_cpus();
}

}  // namespace

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) { state_->start(checked_count(threads)); }

ThreadPool::~ThreadPool() { state_->stop(); }

void ThreadPool::run_erased(int64_t task_count, RangeFunction function, void* context, RunOptions options) {
  if (task_count <= 0) return;
  State& state = *state_;
  if (task_count == 1 || serial_here || options.most_slots == 1) return function(context, {0, task_count, 0});
  const std::shared_lock hold(state.workers_mutex);
  const Counted run(state.runs);
  options.chunk = std::max<int64_t>(1, options.chunk);
  const int64_t ranges = options.split == Split::Static ? task_count : (task_count + options.chunk - 1) / options.chunk;
  int64_t slots = std::min<int64_t>(std::max(1, state.thread_count / run.count), ranges);
  if (options.most_slots > 0) slots = std::min<int64_t>(slots, options.most_slots);
  if (slots == 1) return function(context, {0, task_count, 0});
  Job job{task_count, function, context, options};
  state.run(job, slots);
}

int ThreadPool::thread_count() const { return state_->thread_count.load(); }

void ThreadPool::set_thread_count(int threads) {
  threads = checked_count(threads);
  std::lock_guard lock(state_->workers_mutex);
  if (threads == state_->thread_count) return;
  state_->stop();
  state_->start(threads);
}

void ThreadPool::set_spin_ns(int64_t spin_ns) {
  OptionCheck(code::kOptionOutOfRange, "thread pool").integer("spin_ns", spin_ns, Bounds::at_least(0));
  std::lock_guard lock(state_->workers_mutex);
  state_->wanted_spin_ns = spin_ns;
  if (!state_->parked) state_->spin_ns = spin_ns;
}

void ThreadPool::park() {
  std::lock_guard lock(state_->workers_mutex);
  state_->parked = true;
  state_->spin_ns = 0;
  for (auto& worker : state_->workers) worker->mailbox.wait_until_asleep();
}

void ThreadPool::unpark() {
  std::lock_guard lock(state_->workers_mutex);
  state_->parked = false;
  state_->spin_ns = state_->wanted_spin_ns;
}

}  // namespace strata::base
