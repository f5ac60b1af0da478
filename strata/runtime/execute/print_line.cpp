#include "strata/runtime/execute/print_line.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"

namespace strata::runtime {

void print_line(const std::string& text) {
  errno = 0;
  if (std::fputs((text + "\n").c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return;
  const std::string reason = std::strerror(errno);
  std::clearerr(stdout);
  throw base::Error(base::code::kPrintFailed, "print: a line can't be written to standard output: " + reason);
}

}  // namespace strata::runtime
