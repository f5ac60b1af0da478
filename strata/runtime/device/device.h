// Where kernels run and arrays lie while a program runs: a device allocates, copies, launches and waits.
//
//   executor:  copy in -> launch, launch, copy ... -> wait, where it has to look at something -> copy out
//
// A device does what it is told in the order in which it is told. It may return before the work is done: then
// everything that was named stays where it is until wait(). The host's own has always finished.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "strata/runtime/kernel_abi.h"

namespace strata::runtime {

/// A kernel with all of its tasks.
struct Launch {
  KernelFunction run = nullptr;
  void* const* buffers = nullptr;
  const int64_t* dims = nullptr;
  int64_t tasks = 0;
  int64_t wave_tasks = 0;        ///< as in KernelNeeds
  int most_slots = 1;            ///< threads that it is worth
  int64_t scratch_bytes = 0;     ///< of a slot
  std::byte* scratch = nullptr;  ///< of all slots; a launch among others has that of slot 0 alone
  KernelStatus* status = nullptr;
  const char* name = "";  ///< for traces
};

/// Any thread may call any of these at any time; work of one thread is ordered, that of several is not.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  /// Whether its memory is the host's: then arrays are used where they lie.
  virtual bool shares_host_memory() const = 0;
  /// Aligned for kernels, with undefined content. E0112 without memory.
  virtual std::shared_ptr<std::byte> allocate(int64_t bytes) const = 0;
  /// Within its memory.
  virtual void copy(std::byte* to, const std::byte* from, int64_t bytes) const = 0;
  /// Between its memory and the host's. Done on return, and with it all that was told before.
  virtual void copy_in(std::byte* to, const std::byte* host, int64_t bytes) const = 0;
  virtual void copy_out(std::byte* host, const std::byte* from, int64_t bytes) const = 0;
  /// Kernels none of which needs another: they may run side by side.
  virtual void launch(std::span<const Launch> launches) const = 0;
  /// Until all is done that was told. What a kernel has to say stands in its status then.
  virtual void wait() const = 0;
};

/// This machine's memory and the shared pool of threads.
const Device& host_device();

}  // namespace strata::runtime
