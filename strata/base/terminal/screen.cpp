#include "strata/base/terminal/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <mutex>

#include "strata/base/terminal/bar_line.h"

namespace strata::base {
namespace {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // stderr is closed: there is nobody left to tell
    text.remove_prefix(count);
  }
}

int columns_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// The bar on stderr, if one stands there. The process has one stderr, so there is one.
struct StandardError {
  std::mutex mutex;
  BarLine* bar = nullptr;
};
StandardError& standard_error_state() {
  static StandardError state;
  return state;
}

}  // namespace

Screen Screen::standard_error() {
  Screen screen;
  const char* term = std::getenv("TERM");
  screen.write = [](std::string_view text) { write_all(STDERR_FILENO, text); };
  screen.is_terminal = ::isatty(STDERR_FILENO) == 1 && !(term != nullptr && std::string_view(term) == "dumb");
  screen.colour = screen.is_terminal && !is_set("NO_COLOR");
  screen.columns = [] { return columns_of(STDERR_FILENO); };
  screen.now_seconds = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  return screen;
}

std::string styled(const Screen& screen, Style style, std::string_view text) {
  if (!screen.colour) return std::string(text);
  const char* code = "";
  switch (style) {
    case Style::Bold:
      code = "1";
      break;
    case Style::Dim:
      code = "2";
      break;
    case Style::Red:
      code = "31";
      break;
    case Style::Green:
      code = "32";
      break;
    case Style::Yellow:
      code = "33";
      break;
    case Style::Cyan:
      code = "36";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void write_human_line(std::string_view line) {
  StandardError& state = standard_error_state();
  std::lock_guard lock(state.mutex);
  if (state.bar != nullptr) return state.bar->write_above(line);
  write_all(STDERR_FILENO, std::string(line) + "\n");
}

BarLine::~BarLine() {
  StandardError& state = standard_error_state();
  std::lock_guard lock(state.mutex);
  if (state.bar == this) state.bar = nullptr;
}

void BarLine::claim_standard_error() {
  StandardError& state = standard_error_state();
  std::lock_guard lock(state.mutex);
  if (state.bar == nullptr) state.bar = this;
}

void BarLine::draw(std::string_view line) {
  std::lock_guard lock(mutex_);
  drawn_ = line;
  screen_.write("\r" + drawn_ + "\x1b[K");  // the new text over the old, then clear the rest: no flicker
}

void BarLine::end() {
  std::lock_guard lock(mutex_);
  if (!drawn_.empty()) screen_.write("\n");
  drawn_.clear();
}

void BarLine::write_above(std::string_view line) {
  std::lock_guard lock(mutex_);
  if (drawn_.empty()) return screen_.write(std::string(line) + "\n");
  screen_.write("\r\x1b[K" + std::string(line) + "\n" + drawn_);
}

}  // namespace strata::base
