// The one pool of threads. Everything in Strata that runs on several cores goes through ThreadPool::shared().
//
// A run is split over slots. The caller works on slot 0; each other slot has a worker that stood idle, with a mailbox:
//
//     caller:  post to the mailboxes -> slot 0 -> take back what no worker has started -> wait for the rest
//     worker:  spin on its own mailbox for spin_ns, then sleep   (so a round trip costs under 1 us while training runs)
//
// What was not started is taken back because on shared machines a worker may be off its core just then.
// Which thread runs a range is never visible in results: only ranges and slots are passed on.
//  - Runs of several threads share the pool: each takes at most threads / runs of the slots, from its next run on, so
//    that none waits for another and none is left with one thread for long.
//  - A run inside a run, or from a background thread, is executed serially by the caller.
//  - An exception in a task reaches the caller, once (that of the lowest slot), after all tasks have stopped; the pool
//    survives.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "strata/base/config/bounds.h"

namespace strata::base {

/// Tasks begin .. end-1 and the slot that runs them: an index below thread_count() for scratch memory. Within one run a
/// slot is never in use twice at once; a serial run uses slot 0 of its own, so scratch belongs to a run, not to the
/// pool.
struct TaskRange {
  int64_t begin = 0, end = 0;
  int slot = 0;
};

enum class Split {
  Static,   ///< one range a slot, of equal length: for equal tasks
  Dynamic,  ///< ranges of `chunk` tasks, taken as slots become free: for tasks that differ
};

struct RunOptions {
  Split split = Split::Static;
  int64_t chunk = 1;   ///< tasks a range, for Split::Dynamic; less than 1 counts as 1
  int most_slots = 0;  ///< slots that the run may use at most, the caller's included; 0: all
};

/// CPUs that this process may run on (its affinity mask), at least 1.
int available_cpus();

/// Of a pool; 0: available_cpus().
inline constexpr Bounds kThreadCount = Bounds::between(0, 256);

class ThreadPool {
 public:
  /// The pool of the process, with available_cpus() threads until set_thread_count() says otherwise.
  static ThreadPool& shared();

  /// `threads` counts the caller; 0 means available_cpus(). E0760 outside of kThreadCount.
  explicit ThreadPool(int threads = 0);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  /// Calls fn(TaskRange) until tasks 0 .. task_count-1 are done; ranges don't overlap. Rethrows what a task threw.
  ///     pool.run(rows, [&](TaskRange r) { for (int64_t i = r.begin; i < r.end; ++i) scale(i); });
  template <class F>
  void run(int64_t task_count, F&& fn, RunOptions options = {}) {
    using Function = std::remove_reference_t<F>;
    run_erased(
        task_count, [](void* context, TaskRange range) { (*static_cast<Function*>(context))(range); },
        const_cast<void*>(static_cast<const void*>(&fn)), options);
  }

  using RangeFunction = void (*)(void* context, TaskRange range);
  /// The same for callers that hold a plain function pointer (compiled kernels).
  void run_erased(int64_t task_count, RangeFunction function, void* context, RunOptions options = {});

  int thread_count() const;
  /// Waits for the runs under way, then replaces the workers. Not to be called from inside a run. E0760 outside of
  /// kThreadCount.
  void set_thread_count(int threads);

  /// How long a worker looks out for work before it sleeps. More costs power, less costs wake-ups (about 50 us each).
  void set_spin_ns(int64_t spin_ns);

  /// Puts the workers to sleep now and returns when they are: so that a peer can be timed on quiet cores. Runs still
  /// work, with a wake-up each, until unpark().
  void park();
  void unpark();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Parks a pool for a scope.
class ParkedScope {
 public:
  explicit ParkedScope(ThreadPool& pool) : pool_(pool) { pool_.park(); }
  ~ParkedScope() { pool_.unpark(); }
  ParkedScope(const ParkedScope&) = delete;
  ParkedScope& operator=(const ParkedScope&) = delete;

 private:
  ThreadPool& pool_;
};

/// While it lives, runs from this thread are serial: for threads that work in the background of a training loop.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool before_;
};

}  // namespace strata::base
