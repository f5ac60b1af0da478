// Work that may crash, hang or eat memory, done in a process of its own: whatever becomes of it costs one answer.
//
// The child is a fork of this process, so that it has all that stands in memory here. Of the threads only the caller is
// in it: nobody else may be at work in this process when it is forked, and what the child runs on several cores has a
// pool of its own. It is the head of a process group, which is killed as a whole, and it dies with its parent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace strata::compiler::tune {

struct ChildLimits {
  double seconds = 20;                       ///< of wall time, then the group is killed
  int64_t memory_bytes = int64_t{8} << 30;   ///< of address space beyond what this process has
  int64_t answer_bytes = int64_t{64} << 20;  ///< of the text that comes back
};

enum class ChildEnd : uint8_t {
  Answered,  ///< `text` is what the work returned
  Threw,     ///< `text` is what was thrown: memory that was not to be had, and an answer that is too long, too
  Crashed,   ///< `text` names the signal
  TimedOut,  ///< `text` says after how long
};

struct ChildAnswer {
  ChildEnd end = ChildEnd::Answered;
  std::string text;
};

/// E0002 when no process can be started.
ChildAnswer run_in_child(const std::function<std::string()>& work, const ChildLimits& limits = {});

}  // namespace strata::compiler::tune
