// The hand-over between the caller of a run and one worker. Lock-free while both look on; a lock only to sleep and to
// wake.
//
//   Empty --post--> Posted --begin (worker)--> Taken --finish--> Done --collect--> Empty
//                     +------take_back (caller)------------------------------------> Empty
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace strata::base {

class alignas(64) Mailbox {
 public:
  // --- the caller's side ---
  void post();
  /// True when the worker had not begun: the work is the caller's again.
  bool take_back();
  /// Waits until the worker is done: spinning first, then asleep.
  void collect(int64_t spin_ns);
  /// Makes the worker leave: its await() returns false.
  void close();
  /// Interrupts a worker that spins, and waits until it sleeps.
  void wait_until_asleep();

  // --- the worker's side ---
  /// Waits for work and takes it; false when closed.
  bool await(const std::atomic<int64_t>& spin_ns);
  void finish();

 private:
  enum State : uint32_t { Empty, Posted, Taken, Done, Closed };

  void wake();

  std::atomic<uint32_t> state_{Empty};
  std::atomic<bool> worker_sleeps_{false}, caller_sleeps_{false};
  std::mutex mutex_;  ///< only held to sleep and to wake
  std::condition_variable changed_;
};

}  // namespace strata::base
