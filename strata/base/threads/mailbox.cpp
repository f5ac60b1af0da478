#include "strata/base/threads/mailbox.h"

#include <chrono>

namespace strata::base {
namespace {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Looks at `ready` in a tight loop for about spin_ns(); whether it became true. The clock is read every 32 looks only,
/// since reading it takes longer than a look. spin_ns is asked again each time, so that park() ends the spinning.
template <class Ready, class SpinNs>
bool spin_until(Ready&& ready, SpinNs&& spin_ns) {
  if (ready()) return true;
  if (spin_ns() <= 0) return false;
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() - start < std::chrono::nanoseconds(spin_ns()));
  return false;
}

}  // namespace

// Sleeping and waking: the sleeper raises its flag, then looks at the state again; the waker changes the state, then
// looks at the flag. All four are sequentially consistent, so at least one of them sees the other, and no wake-up is
// lost.

void Mailbox::wake() {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Mailbox::post() {
  state_.store(Posted);
  if (worker_sleeps_.load()) wake();
}

bool Mailbox::take_back() {
  uint32_t expected = Posted;
  return state_.compare_exchange_strong(expected, Empty);
}

void Mailbox::collect(int64_t spin_ns) {
  const auto done = [&] { return state_.load(std::memory_order_acquire) == Done; };
  if (!spin_until(done, [&] { return spin_ns; })) {
    std::unique_lock lock(mutex_);
    caller_sleeps_.store(true);
    changed_.wait(lock, [&] { return state_.load() == Done; });
    caller_sleeps_.store(false);
  }
  state_.store(Empty, std::memory_order_relaxed);  // the worker looks for Posted or Closed only
}

void Mailbox::close() {
  state_.store(Closed);
  wake();
}

void Mailbox::wait_until_asleep() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return worker_sleeps_.load(); });
}

bool Mailbox::await(const std::atomic<int64_t>& spin_ns) {
  while (true) {
    const auto has_news = [&] {
      const uint32_t state = state_.load(std::memory_order_acquire);
      return state == Posted || state == Closed;
    };
    if (!spin_until(has_news, [&] { return spin_ns.load(std::memory_order_relaxed); })) {
      std::unique_lock lock(mutex_);
      worker_sleeps_.store(true);
      changed_.notify_all();  // for wait_until_asleep()
      changed_.wait(lock, [&] {
        const uint32_t state = state_.load();
        return state == Posted || state == Closed;
      });
      worker_sleeps_.store(false);
    }
    uint32_t expected = Posted;
    if (state_.compare_exchange_strong(expected, Taken)) return true;
    if (expected == Closed) return false;
  }
}

void Mailbox::finish() {
  state_.store(Done);
  if (caller_sleeps_.load()) wake();
}

}  // namespace strata::base
