#include "strata/tensor/tracing/tracing.h"

#include "strata/tensor/recording/recording.h"

namespace strata {

void run_pending() {
  auto& recording = recording_detail::Recording::current();
  if (recording.kind() == recording_detail::Recording::Kind::Lazy && recording.open_ops == 0 && recording.holds == 0)
    recording.flush(capture::Reason::Trace, {});
}

}  // namespace strata
