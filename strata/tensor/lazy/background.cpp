#include "strata/tensor/lazy/background.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/span.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/tensor/lazy/compilation.h"

namespace strata {
namespace lazy {
namespace {

constexpr size_t kMostWaiting = 64;

class Worker {
 public:
  bool post(std::function<void()> job) {
    const std::lock_guard hold(lock_);
    if (is_ending_ || jobs_.size() >= kMostWaiting) return false;
    if (!thread_.joinable()) {
      static const int registered = std::atexit([] { worker().end(); });  // of a process that another thread ends
      if (registered != 0) return false;
      try {
        thread_ = std::thread([this] { work(); });
      } catch (const std::system_error&) {
        return false;  // no thread is to be had now: what asked goes on as it is
      }
    }
    jobs_.push_back(std::move(job));
    changed_.notify_all();
    return true;
  }

  void wait() {
    std::unique_lock hold(lock_);
    changed_.wait(hold, [this] { return is_ending_ || (jobs_.empty() && !is_busy_); });
  }

  /// A listed registry: the thread that compiles, and what it has to do.
  static Worker& worker() {
    static auto* one = new Worker;  // ends by atexit(), while everything that a job uses is still there
    return *one;
  }

  /// Cancels and waits; once.
  void end() {
    cancel_.cancel();
    std::thread ended;
    {
      const std::lock_guard hold(lock_);
      is_ending_ = true;
      jobs_.clear();
      changed_.notify_all();
      ended.swap(thread_);
    }
    if (ended.joinable()) ended.join();
  }

 private:
  void work() {
    base::set_thread_name("compilations");
    const base::SerialScope serial;
    const runtime::CancelScope scope(cancel_);
    std::unique_lock hold(lock_);
    while (true) {
      changed_.wait(hold, [this] { return is_ending_ || !jobs_.empty(); });
      if (is_ending_) return;
      is_busy_ = true;
      {
        const std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        hold.unlock();
        job();
      }
      hold.lock();
      is_busy_ = false;
      changed_.notify_all();
    }
  }

  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool is_busy_ = false, is_ending_ = false;
  runtime::CancelToken cancel_;
  std::thread thread_;
};

std::atomic<bool> is_main_known{false};

/// Of each thread that comes here; that of the main thread ends the worker.
struct EndOfThread {
  const bool is_main = getpid() == gettid();
  EndOfThread() {
    if (is_main) is_main_known = true;
  }
  ~EndOfThread() {
    if (is_main) Worker::worker().end();
  }
};

}  // namespace

bool may_compile_beside() {
  thread_local const EndOfThread end;
  static_cast<void>(end.is_main);
  return is_main_known;
}

bool post_compilation(std::function<void()> job) { return Worker::worker().post(std::move(job)); }

}  // namespace lazy

void wait_for_compilations() { lazy::Worker::worker().wait(); }

}  // namespace strata
