#include "strata/compiler/testing/queue_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "strata/runtime/execute/buffer_pool.h"

namespace strata::compiler {

QueueDevice::QueueDevice() : worker_([this] { work_off(); }) {}

QueueDevice::~QueueDevice() {
  {
    const std::lock_guard hold(lock_);
    is_ending_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

void QueueDevice::work_off() {
  std::unique_lock hold(lock_);
  for (;;) {
    changed_.wait(hold, [&] { return is_ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    is_busy_ = true;
    hold.unlock();
    work();
    hold.lock();
    is_busy_ = false;
    changed_.notify_all();
  }
}

void QueueDevice::post(std::function<void()> work) const {
  {
    const std::lock_guard hold(lock_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_all();
}

void QueueDevice::wait() const {
  std::unique_lock hold(lock_);
  changed_.wait(hold, [&] { return queue_.empty() && !is_busy_; });
}

std::shared_ptr<std::byte> QueueDevice::allocate(int64_t bytes) const {
  std::shared_ptr<std::byte> memory = runtime::allocate_bytes(bytes);
  std::memset(memory.get(), 0xA5, bytes);  // nobody may rely on what it holds
  std::byte* const first = memory.get();
  const std::lock_guard hold(lock_);
  blocks_[first] = bytes;
  return {first, [this, memory](std::byte* given_back) mutable {
            wait();  // what is told may still name it
            const std::lock_guard end(lock_);
            blocks_.erase(given_back);
          }};
}

void QueueDevice::require_own(const std::byte* memory, int64_t bytes, const char* what) const {
  const std::lock_guard hold(lock_);
  auto block = blocks_.upper_bound(memory);
  const bool is_own = block != blocks_.begin() && (--block, memory + bytes <= block->first + block->second);
  if (!is_own && bytes > 0 && misuse_.empty())
    misuse_ = fmt::format("{} names {} bytes that are not its own", what, bytes);
}

void QueueDevice::copy(std::byte* to, const std::byte* from, int64_t bytes) const {
  require_own(to, bytes, "a copy");
  require_own(from, bytes, "a copy");
  post([=] {
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
}

void QueueDevice::copy_in(std::byte* to, const std::byte* host, int64_t bytes) const {
  require_own(to, bytes, "a copy in");
  wait();
  if (bytes > 0) std::memcpy(to, host, bytes);
}

void QueueDevice::copy_out(std::byte* host, const std::byte* from, int64_t bytes) const {
  wait();
  if (bytes > 0) std::memcpy(host, from, bytes);
}

void QueueDevice::launch(std::span<const runtime::Launch> launches) const {
  {
    const std::lock_guard hold(lock_);
    most_at_once_ = std::max(most_at_once_, launches.size());
  }
  for (const runtime::Launch& l : launches) {
    require_own(l.scratch, l.scratch_bytes, "scratch");
    post([l] {
      runtime::KernelContext context{l.status, l.scratch};
      l.run(&context, l.buffers, l.dims, 0, l.tasks);
    });
  }
}

size_t QueueDevice::most_at_once() const {
  const std::lock_guard hold(lock_);
  return most_at_once_;
}

std::string QueueDevice::misuse() const {
  const std::lock_guard hold(lock_);
  return misuse_;
}

}  // namespace strata::compiler
