#include "strata/runtime/execute/run_context.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/runtime/execute/buffer_pool.h"

namespace strata::runtime {
namespace {

/// A listed registry: contexts that no run uses, the one that was used last at the end.
struct IdleContexts {
  std::mutex lock;
  std::vector<std::unique_ptr<RunContext>> list;
};
IdleContexts& idle_contexts() {
  static auto* all = new IdleContexts;  // outlives every thread that runs programs
  return *all;
}

}  // namespace

RunContext::RunContext(int most_slots) : most_slots_(most_slots) {
  base::OptionCheck(base::code::kOptionOutOfRange, "run context").integer("most_slots", most_slots, base::kThreadCount);
}

int64_t RunContext::bytes() const {
  return arena_.bytes + scratch_.bytes + regions_.bytes() + (inner_ ? inner_->bytes() : 0);
}

void RunContext::trim() {
  const ContextUse use(*this);
  arena_ = scratch_ = {};
  regions_.trim();
  inner_ = nullptr;
}

RunContext& RunContext::inner() {
  if (!inner_) {
    inner_ = std::make_unique<RunContext>();
    inner_->most_slots_ = most_slots_;
  }
  return *inner_;
}

std::byte* RunContext::provide(Block& block, int64_t bytes) {
  if (block.bytes < bytes || !block.memory) {
    block = {};  // before, so that both are never there at once
    block.memory = allocate_bytes(bytes);
    block.bytes = bytes;
  }
  return block.memory.get();
}

int RunContext::slots() const {
  const int threads = base::ThreadPool::shared().thread_count();
  return most_slots_ > 0 ? std::min(most_slots_, threads) : threads;
}

ContextUse::ContextUse(RunContext& context) : context_(context) {
  if (context_.is_in_use_.exchange(true, std::memory_order_acquire))
    throw base::Error(base::code::kContextInUse, "a run context is in use by another run");
}
ContextUse::~ContextUse() { context_.is_in_use_.store(false, std::memory_order_release); }

BorrowedContext::BorrowedContext() {
  IdleContexts& idle = idle_contexts();
  {
    const std::lock_guard hold(idle.lock);
    if (!idle.list.empty()) {
      context_ = std::move(idle.list.back());
      idle.list.pop_back();
    }
  }
  if (!context_) context_ = std::make_unique<RunContext>();
}

BorrowedContext::~BorrowedContext() {
  IdleContexts& idle = idle_contexts();
  const std::lock_guard hold(idle.lock);
  if (idle.list.size() < kMostIdleContexts) idle.list.push_back(std::move(context_));
}

int64_t idle_context_bytes() {
  IdleContexts& idle = idle_contexts();
  const std::lock_guard hold(idle.lock);
  int64_t bytes = 0;
  for (const auto& context : idle.list) bytes += context->bytes();
  return bytes;
}

void trim_idle_contexts() {
  IdleContexts& idle = idle_contexts();
  const std::lock_guard hold(idle.lock);
  idle.list.clear();
}

}  // namespace strata::runtime
