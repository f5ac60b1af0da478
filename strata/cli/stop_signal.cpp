#include "strata/cli/stop_signal.h"

namespace strata::cli {
namespace {

volatile std::sig_atomic_t has_come_now = 0;  // a handler may touch nothing else

void note_signal(int) { has_come_now = 1; }

}  // namespace

StopSignal::StopSignal() {
  has_come_now = 0;
  struct sigaction once{};
  once.sa_handler = note_signal;
  once.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &once, &before_interrupt_);
  sigaction(SIGTERM, &once, &before_terminate_);
}

StopSignal::~StopSignal() {
  sigaction(SIGINT, &before_interrupt_, nullptr);
  sigaction(SIGTERM, &before_terminate_, nullptr);
}

bool StopSignal::has_come() const { return has_come_now != 0; }

}  // namespace strata::cli
