#include "strata/machine/memory.h"

#include <unistd.h>

namespace strata::machine {

int64_t memory_bytes() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? pages * page_bytes : INT64_MAX;
}

}  // namespace strata::machine
