// Where human text goes, and what can be done there. Human text goes to stderr (data to stdout), so there is one Screen
// of the process; tests make their own. A line that other code writes while a progress bar stands there goes above the
// bar.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace strata::base {

struct Screen {
  std::function<void(std::string_view)> write;  ///< takes the bytes at once
  bool is_terminal = false;                     ///< a line can be redrawn
  bool colour = false;  ///< a terminal, TERM is not "dumb", and NO_COLOR is not set (no-color.org)
  std::function<int()> columns = [] { return 80; };
  std::function<double()> now_seconds;  ///< a monotonic clock

  static Screen standard_error();
};

enum class Style { Bold, Dim, Red, Green, Yellow, Cyan };

/// The text in a style where the screen has colour, else as it is.
std::string styled(const Screen& screen, Style style, std::string_view text);

/// Writes one line to stderr, above the progress bar if one stands there. For logs and warnings; from any thread.
void write_human_line(std::string_view line);

}  // namespace strata::base
