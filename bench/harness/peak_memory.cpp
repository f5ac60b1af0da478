#include "bench/harness/peak_memory.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"

namespace strata::bench {
namespace {

/// A figure of /proc/self/status in bytes: VmRSS is what is resident, VmHWM the most that was.
int64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::strtoll(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  throw base::Error(base::code::kCommandLine, fmt::format("this system does not tell {}", name));
}

/// From here on VmHWM counts anew.
void forget_peak() {
  if (!(std::ofstream("/proc/self/clear_refs") << "5").flush())
    throw base::Error(base::code::kCommandLine, "this system does not let a process reset VmHWM");
}

}  // namespace

int64_t peak_memory_of(const std::function<std::function<void()>()>& make) {
  const int64_t before = status_bytes("VmRSS");
  const std::function<void()> work = make();
  work();
  forget_peak();
  for (int i = 0; i < 2; ++i) work();
  return status_bytes("VmHWM") - before;
}

}  // namespace strata::bench
