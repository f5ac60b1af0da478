// Ctrl-C and SIGTERM as a wish that long work looks at between its steps, so that it can save first. A second signal
// ends the process at once, as without this.
#pragma once

#include <csignal>

namespace strata::cli {

/// One at a time; the handlers before it come back with its end.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  bool has_come() const;

 private:
  struct sigaction before_interrupt_{};
  struct sigaction before_terminate_{};
};

}  // namespace strata::cli
