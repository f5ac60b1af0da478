#include "strata/data/corpus/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string_view>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

extern char** environ;

namespace strata::data {
namespace {

using base::Error;

[[noreturn]] void fail(const std::string& program, int code) {
  throw Error(base::code::kCorpusFailed, fmt::format("cannot run {}: {}", program, base::errno_text(code)));
}

/// A descriptor that closes itself.
struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

size_t read_some(int fd, char* data, size_t size) {
  while (true) {
    const ssize_t got = ::read(fd, data, size);
    if (got >= 0) return got;
    if (errno != EINTR) return 0;
  }
}

/// Our environment, but messages in plain English: they are looked at.
std::vector<std::string> plain_environment() {
  std::vector<std::string> list = {"LC_ALL=C.UTF-8"};
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view(*entry).starts_with("LC_ALL=") && !std::string_view(*entry).starts_with("LANGUAGE="))
      list.emplace_back(*entry);
  return list;
}

std::vector<char*> pointers(const std::vector<std::string>& list) {
  std::vector<char*> result;
  for (const std::string& text : list) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

struct FileActions {
  posix_spawn_file_actions_t actions;
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

pid_t spawn(const std::vector<std::string>& argv, const std::string& folder, int out, int err) {
  FileActions files;
  posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files.actions, out, 1);
  posix_spawn_file_actions_adddup2(&files.actions, err, 2);
  if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&files.actions, folder.c_str());
  const std::vector<std::string> environment = plain_environment();
  pid_t child = 0;
  const int code = posix_spawnp(&child, argv[0].c_str(), &files.actions, nullptr, pointers(argv).data(),
                                pointers(environment).data());
  if (code != 0) fail(argv[0], code);
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The last part of a file that the program wrote its complaints to.
std::string tail_of(int fd) {
  constexpr off_t kMost = 64 << 10;
  const off_t size = ::lseek(fd, 0, SEEK_END);
  ::lseek(fd, size > kMost ? size - kMost : 0, SEEK_SET);
  std::string text(kMost, '\0');
  size_t filled = 0;
  while (const size_t got = read_some(fd, text.data() + filled, text.size() - filled)) filled += got;
  text.resize(filled);
  return text;
}

}  // namespace

ProgramRun run_program(const std::vector<std::string>& argv, const ProgramOptions& options) {
  Descriptor out, child_out, err;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(argv[0], errno);
  out.fd = ends[0];
  child_out.fd = ends[1];
  // Complaints go to a file in memory: a second pipe would have to be read at the same time.
  err.fd = ::memfd_create("complaints", MFD_CLOEXEC);
  if (err.fd < 0) fail(argv[0], errno);
  const pid_t child = spawn(argv, options.folder, child_out.fd, err.fd);
  child_out.close();
  ProgramRun run;
  std::exception_ptr failure;
  try {
    const ByteSource source = [&](char* data, size_t size) { return read_some(out.fd, data, size); };
    char piece[1 << 14];
    if (options.read_out) options.read_out(source);
    while (const size_t got = source(piece, sizeof piece)) run.out.append(piece, got);
  } catch (...) {
    failure = std::current_exception();
    out.close();  // the program notices at its next write
  }
  run.exit_code = wait_for(child);
  if (failure) std::rethrow_exception(failure);
  run.err = tail_of(err.fd);
  return run;
}

}  // namespace strata::data
