// The line under the cursor that a progress bar owns, shared with write_human_line(): who writes first takes the line
// away and draws it again below.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "strata/base/terminal/screen.h"

namespace strata::base {

class BarLine {
 public:
  explicit BarLine(const Screen& screen) : screen_(screen) {}
  ~BarLine();

  /// Replaces the line.
  void draw(std::string_view line);
  /// Leaves what is drawn and moves on to a new line.
  void end();
  /// Writes a whole line above what is drawn.
  void write_above(std::string_view line);

  /// Makes this the line that write_human_line() respects, until it is destroyed.
  void claim_standard_error();

 private:
  const Screen& screen_;  ///< outlives the line
  std::mutex mutex_;
  std::string drawn_;  ///< empty: nothing stands there
};

}  // namespace strata::base
