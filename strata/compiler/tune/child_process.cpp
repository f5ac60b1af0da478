#include "strata/compiler/tune/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/error.h"

namespace strata::compiler::tune {

namespace {

using Clock = std::chrono::steady_clock;

constexpr char kAnswered = 'a', kThrew = 't';

[[noreturn]] void fail(const char* doing) {
  throw base::Error(base::code::kUnwritableFile,
                    fmt::format("cannot {} for a measurement: {}", doing, base::errno_text(errno)));
}

int64_t address_space_bytes() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

void limit(int what, int64_t most) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return;
  now.rlim_cur = std::min<rlim_t>(static_cast<rlim_t>(most), now.rlim_max);
  ::setrlimit(what, &now);
}

void write_all(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) return;  // the parent has given up
    if (n > 0) done += static_cast<size_t>(n);
  }
}

/// The child's whole life. Nothing of the parent's is torn down: no destructor runs, no file is flushed twice.
[[noreturn]] void be_child(const std::function<std::string()>& work, const ChildLimits& limits, int64_t parent_bytes,
                           int answer) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : {SIGINT, SIGTERM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  // What a library says before it aborts would fall into the middle of the progress bar.
  if (const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, parent_bytes + limits.memory_bytes);
  std::string text;
  try {
    text = kAnswered + work();
  } catch (const base::Error& error) {
    text = kThrew + std::string(error.code().str()) + ": " + error.message();
  } catch (const std::bad_alloc&) {
    text = kThrew + std::string("more memory than the limit of ") + std::to_string(limits.memory_bytes >> 20) + " MiB";
  } catch (const std::exception& error) {
    text = kThrew + std::string(error.what());
  } catch (...) {
    text = kThrew + std::string("something that is no exception");
  }
  write_all(answer, text);
  ::_exit(0);
}

enum class Read : uint8_t { Whole, TooLong, TimeIsUp };

/// Reads to the end of the answer.
Read read_answer(int fd, Clock::time_point until, int64_t most, std::string& text) {
  char bytes[4096];
  while (std::ssize(text) <= most) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return Read::TimeIsUp;
    pollfd poll_for{fd, POLLIN, 0};
    const int ready = ::poll(&poll_for, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (ready < 0 && errno != EINTR) return Read::Whole;  // what there is; the child's end says more
    if (ready <= 0) continue;
    const ssize_t n = ::read(fd, bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EINTR)) return Read::Whole;
    if (n > 0) text.append(bytes, static_cast<size_t>(n));
  }
  return Read::TooLong;
}

/// Waits until the child has ended, and leaves it to be reaped: its number, and its group's, stay its own till then.
/// False when it goes on after its answer until the time is up.
bool wait_for(pid_t child, Clock::time_point until) {
  for (;;) {
    siginfo_t info{};
    const int failed = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
    if (failed == 0 && info.si_pid == child) return true;
    if (failed != 0 && errno != EINTR) return true;
    if (Clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

ChildAnswer answer_of(const std::string& text, Read read, bool is_in_time, int status, const ChildLimits& limits) {
  if (read == Read::TooLong)
    return {ChildEnd::Threw, fmt::format("it answered more than {} bytes", limits.answer_bytes)};
  if (!is_in_time) return {ChildEnd::TimedOut, fmt::format("it took more than {:g} s", limits.seconds)};
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const char* name = ::sigabbrev_np(signal);
    return {ChildEnd::Crashed, fmt::format("signal {} ({})", signal, name ? name : "unknown")};
  }
  if (text.empty()) return {ChildEnd::Crashed, fmt::format("it ended with code {} and no answer", WEXITSTATUS(status))};
  return {text[0] == kAnswered ? ChildEnd::Answered : ChildEnd::Threw, text.substr(1)};
}

}  // namespace

ChildAnswer run_in_child(const std::function<std::string()>& work, const ChildLimits& limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("open a pipe");
  const int64_t bytes = address_space_bytes();
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    fail("start a process");
  }
  if (child == 0) {
    ::close(ends[0]);
    be_child(work, limits, bytes, ends[1]);
  }
  ::close(ends[1]);
  ::setpgid(child, child);  // here too: whoever comes first
  const auto until =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(limits.seconds));
  std::string text;
  int status = 0;
  const Read read = read_answer(ends[0], until, limits.answer_bytes, text);
  const bool is_in_time = read == Read::Whole && wait_for(child, until);
  ::kill(-child, SIGKILL);  // what it left behind, too
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  ::close(ends[0]);
  return answer_of(text, read, is_in_time, status, limits);
}

}  // namespace strata::compiler::tune
