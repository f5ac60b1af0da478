// A device that shares nothing with the host and finishes nothing before it is asked: what is told lies in a queue that
// a thread of its own works off, and memory of the host that reaches a kernel is found out.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "strata/runtime/device/device.h"

namespace strata::compiler {

class QueueDevice final : public runtime::Device {
 public:
  QueueDevice();
  ~QueueDevice() override;
  std::string_view name() const override { return "queue"; }
  bool shares_host_memory() const override { return false; }
  std::shared_ptr<std::byte> allocate(int64_t bytes) const override;
  void copy(std::byte* to, const std::byte* from, int64_t bytes) const override;
  void copy_in(std::byte* to, const std::byte* host, int64_t bytes) const override;
  void copy_out(std::byte* host, const std::byte* from, int64_t bytes) const override;
  void launch(std::span<const runtime::Launch> launches) const override;
  void wait() const override;

  /// Kernels of the largest launch.
  size_t most_at_once() const;
  /// What was named and is no memory of this device; empty: nothing.
  std::string misuse() const;

 private:
  void post(std::function<void()> work) const;
  void require_own(const std::byte* memory, int64_t bytes, const char* what) const;
  void work_off();

  mutable std::mutex lock_;  ///< guards what follows
  mutable std::condition_variable changed_;
  mutable std::deque<std::function<void()>> queue_;
  mutable std::map<const std::byte*, int64_t> blocks_;
  mutable std::string misuse_;
  mutable size_t most_at_once_ = 0;
  mutable bool is_busy_ = false;
  bool is_ending_ = false;
  std::thread worker_;
};

}  // namespace strata::compiler
