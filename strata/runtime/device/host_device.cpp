#include <algorithm>
#include <cstring>

#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/span.h"
#include "strata/runtime/device/device.h"
#include "strata/runtime/execute/buffer_pool.h"

namespace strata::runtime {
namespace {

void copy_bytes(std::byte* to, const std::byte* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

class HostDevice final : public Device {
 public:
  std::string_view name() const override { return "host"; }
  bool shares_host_memory() const override { return true; }
  std::shared_ptr<std::byte> allocate(int64_t bytes) const override { return allocate_bytes(bytes); }
  void copy(std::byte* to, const std::byte* from, int64_t bytes) const override { copy_bytes(to, from, bytes); }
  void copy_in(std::byte* to, const std::byte* host, int64_t bytes) const override { copy_bytes(to, host, bytes); }
  void copy_out(std::byte* host, const std::byte* from, int64_t bytes) const override { copy_bytes(host, from, bytes); }

  void launch(std::span<const Launch> launches) const override {
    if (launches.size() == 1) return run_alone(launches[0]);
    base::ThreadPool::shared().run(std::ssize(launches),
                                   [&](base::TaskRange range) {
                                     for (int64_t i = range.begin; i < range.end; ++i) {
                                       const Launch& l = launches[i];
                                       run_tasks(l, {0, l.tasks, range.slot});
                                     }
                                   },
                                   {.split = base::Split::Dynamic, .most_slots = launches[0].most_slots});
  }

  void wait() const override {}

 private:
  static void run_tasks(const Launch& l, base::TaskRange range) {
    const base::Span span(l.name, "command");
    KernelContext of_slot{l.status, l.scratch + l.scratch_bytes * range.slot};
    l.run(&of_slot, l.buffers, l.dims, range.begin, range.end);
  }

  static void run_alone(const Launch& l) {
    if (l.most_slots <= 1) return run_tasks(l, {0, l.tasks, 0});
    const base::Span span(l.name, "command");
    // Tasks of a wave differ: a wave is a slant through a space of tiles.
    const bool has_waves = l.wave_tasks > 0;
    const base::Split split = has_waves ? base::Split::Dynamic : base::Split::Static;
    const int64_t wave = has_waves ? l.wave_tasks : l.tasks;
    for (int64_t first = 0; first < l.tasks; first += wave)
      base::ThreadPool::shared().run(std::min(wave, l.tasks - first),
                                     [&](base::TaskRange range) {
                                       KernelContext of_slot{l.status, l.scratch + l.scratch_bytes * range.slot};
                                       l.run(&of_slot, l.buffers, l.dims, first + range.begin, first + range.end);
                                     },
                                     {.split = split, .most_slots = l.most_slots});
  }
};

}  // namespace

const Device& host_device() {
  static const HostDevice device;
  return device;
}

}  // namespace strata::runtime
