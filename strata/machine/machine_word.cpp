#include "strata/machine/machine_word.h"

#include <fmt/format.h>
#include <unistd.h>

#include "strata/base/bytes/hash.h"
#include "strata/machine/cpu_target.h"

namespace strata::machine {

const std::string& machine_word() {
  static const std::string word = [] {
    const std::string& cpu = cpu_fingerprint();
    std::string all = cpu;
    for (const int cache : {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE})
      all += fmt::format(" {}", ::sysconf(cache));
    const size_t model = cpu.find('-') + 1;
    return fmt::format("{}-{}", cpu.substr(0, cpu.find('-', model)), base::hash_text(all).hex().substr(0, 8));
  }();
  return word;
}

}  // namespace strata::machine
