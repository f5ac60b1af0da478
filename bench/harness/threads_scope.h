// How many threads a part of a benchmark runs with.
#pragma once

#include "strata/base/threads/thread_pool.h"

namespace strata::bench {

/// Sets the pool's thread count for a scope.
class ThreadsScope {
 public:
  explicit ThreadsScope(int threads) : before_(base::ThreadPool::shared().thread_count()) {
    base::ThreadPool::shared().set_thread_count(threads);
  }
  ~ThreadsScope() { base::ThreadPool::shared().set_thread_count(before_); }
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;

 private:
  int before_;
};

}  // namespace strata::bench
