#include "strata/base/terminal/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/terminal/bar_line.h"
#include "strata/base/terminal/display_width.h"
#include "strata/base/terminal/format.h"

namespace strata::base {
namespace {

constexpr size_t kWidestBar = 30, kNarrowestBar = 5;

struct Moment {
  double seconds;
  int64_t items;
  double units;
};

}  // namespace

struct ProgressBar::State {
  ProgressOptions options;
  Screen screen;
  BarLine line{screen};
  int64_t items = 0;
  double units = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::deque<Moment> moments;  ///< oldest first; the window that rates are taken over
  double last_drawn = 0;
  bool finished = false;

  State(ProgressOptions o, Screen s) : options(std::move(o)), screen(std::move(s)) {
    OptionCheck(code::kOptionOutOfRange, "progress")
        .integer("total", options.total, Bounds::at_least(0))
        .number("redraw_seconds", options.redraw_seconds, Bounds::at_least(0))
        .number("line_seconds", options.line_seconds, Bounds::at_least(0))
        .number("rate_window_seconds", options.rate_window_seconds, Bounds::above(0));
    if (options.unit.empty()) options.unit = options.label;
    last_drawn = screen.now_seconds();
    moments.push_back({last_drawn, 0, 0});
  }

  void note_moment(double now) {
    moments.push_back({now, items, units});
    while (moments.size() > 2 && now - moments[1].seconds > options.rate_window_seconds) moments.pop_front();
  }
  double seconds_in_window() const { return moments.back().seconds - moments.front().seconds; }
  double per_second(double amount) const { return seconds_in_window() > 0 ? amount / seconds_in_window() : 0; }
  double unit_rate() const { return per_second(moments.back().units - moments.front().units); }

  std::string position() const {
    if (options.total == 0) return fmt::format("{} {}", options.label, items);
    const std::string total = fmt::format("{}", options.total);
    return fmt::format("{} {:>{}}/{}", options.label, items, total.size(), total);
  }
  std::string details() const {
    std::string text;
    for (const auto& [name, value] : fields) text += fmt::format("  {} {}", name, value);
    if (unit_rate() > 0) text += "  " + rate_text(unit_rate(), options.unit);
    return text + closing();
  }
  /// How long it will take, or took.
  std::string closing() const {
    if (options.total == 0) return "";
    const double item_rate = per_second(moments.back().items - moments.front().items);
    if (items >= options.total || item_rate <= 0) return "";
    return "  ETA " + clock_text(static_cast<double>(options.total - items) / item_rate);
  }
  std::string bar(size_t width) const {
    const double fraction = std::clamp(static_cast<double>(items) / static_cast<double>(options.total), 0.0, 1.0);
    const auto full = static_cast<size_t>(fraction * static_cast<double>(width));
    std::string text = "  ";
    for (size_t i = 0; i < width; ++i) text += i < full ? "█" : "░";
    return text;
  }

  void draw(double now) {
    last_drawn = now;
    const std::string head = position(), tail = details();
    if (!screen.is_terminal) return screen.write(head + tail + "\n");
    // One column stays free: some terminals wrap when the last one is written.
    const size_t columns = static_cast<size_t>(std::max(10, screen.columns())) - 1;
    const size_t used = display_width(head) + display_width(tail) + 2;
    std::string text = head;
    if (options.total > 0 && used + kNarrowestBar <= columns) text += bar(std::min(kWidestBar, columns - used));
    line.draw(fit_to(text + tail, columns));
  }
};

ProgressBar::ProgressBar(ProgressOptions options) : ProgressBar(std::move(options), Screen::standard_error()) {
  if (state_->screen.is_terminal) state_->line.claim_standard_error();
}

ProgressBar::ProgressBar(ProgressOptions options, Screen screen)
    : state_(std::make_unique<State>(std::move(options), std::move(screen))) {}

ProgressBar::~ProgressBar() {
  if (!state_->finished) state_->line.end();
}

void ProgressBar::advance(int64_t items, double units) {
  State& state = *state_;
  state.items += items;
  state.units += units < 0 ? static_cast<double>(items) : units;
  const double now = state.screen.now_seconds();
  const double pause = state.screen.is_terminal ? state.options.redraw_seconds : state.options.line_seconds;
  if (now - state.last_drawn < pause) return;
  state.note_moment(now);
  state.draw(now);
}

void ProgressBar::show(std::string_view name, double value) {
  const double size = value < 0 ? -value : value;
  const bool plain = size == 0 || (size >= 1e-3 && size < 1e5);
  show(name, plain ? fmt::format("{:.4g}", value) : fmt::format("{:.2e}", value));
}

void ProgressBar::show(std::string_view name, std::string_view value) {
  for (auto& [known, text] : state_->fields)
    if (known == name) {
      text = value;
      return;
    }
  state_->fields.emplace_back(name, value);
}

void ProgressBar::finish() {
  State& state = *state_;
  if (state.finished) return;
  const double now = state.screen.now_seconds();
  state.note_moment(now);
  state.draw(now);
  state.line.end();
  state.finished = true;
}

int64_t ProgressBar::done() const { return state_->items; }
double ProgressBar::rate() const { return state_->unit_rate(); }

}  // namespace strata::base
