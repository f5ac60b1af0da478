// Cancelling runs that are under way, from another thread.
//
//   CancelToken token;                                     // copies are the same token
//   std::thread watch([token] { wait_for_the_user(); token.cancel(); });
//   const CancelScope scope(token);                        // of this thread, to the end of the block
//   step(model, optimiser, x, y);                          // E0319 if it was cancelled; then nothing has changed
//
// A run looks at the tokens of its thread before each command, also in the regions of loops, up to the first command
// that writes donated memory; from there on it completes. A look is one relaxed load.
#pragma once

#include <atomic>
#include <memory>

namespace strata::runtime {

class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  /// From any thread; for good.
  void cancel() const noexcept { flag_->store(true, std::memory_order_relaxed); }
  bool is_cancelled() const noexcept { return flag_->load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

/// While it lives, runs of this thread obey the token; those of scopes around it, too.
class CancelScope {
 public:
  explicit CancelScope(CancelToken token) : token_(std::move(token)), before_(innermost_) { innermost_ = this; }
  ~CancelScope() { innermost_ = before_; }
  CancelScope(const CancelScope&) = delete;

  static bool is_cancelled() noexcept {
    for (const CancelScope* s = innermost_; s != nullptr; s = s->before_)
      if (s->token_.is_cancelled()) return true;
    return false;
  }

 private:
  static inline constinit thread_local const CancelScope* innermost_ = nullptr;
  CancelToken token_;
  const CancelScope* before_;
};

/// Throws E0319, which names what did not run to its end.
void require_not_cancelled(const char* program);

}  // namespace strata::runtime
