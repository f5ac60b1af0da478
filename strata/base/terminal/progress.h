// A progress bar for long work: on a terminal one line that is redrawn at most ten times a second, elsewhere a plain
// line every few seconds.
//
//   ProgressBar bar({.label = "step", .total = 500, .unit = "tok"});
//   for (...) { bar.show("loss", loss); bar.advance(1, tokens_in_batch); }
//   bar.finish();
//
//   step  312/500  ██████████████░░░░░░░░  loss 3.412  8.1 k tok/s  ETA 1:24
//
// Used from one thread; lines that other threads write by write_human_line() go above it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "strata/base/terminal/screen.h"

namespace strata::base {

struct ProgressOptions {
  std::string label = "step";
  int64_t total = 0;                ///< items; 0 when not known: no bar and no ETA
  std::string unit;                 ///< of the rate; empty: the label
  double redraw_seconds = 0.1;      ///< on a terminal
  double line_seconds = 5;          ///< elsewhere
  double rate_window_seconds = 15;  ///< the rate and the ETA are of this last stretch
};

class ProgressBar {
 public:
  explicit ProgressBar(ProgressOptions options);
  ProgressBar(ProgressOptions options, Screen screen);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// Ends the line without claiming that the work is done.
  ~ProgressBar();

  /// `items` more are done, which are `units` units of the rate (by default the items).
  void advance(int64_t items = 1, double units = -1);
  /// Sets or changes a field: "loss 3.412".
  void show(std::string_view name, double value);
  void show(std::string_view name, std::string_view value);
  /// Draws the last state and ends the line.
  void finish();

  int64_t done() const;
  /// Units a second over the window; 0 before there are two moments.
  double rate() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::base
