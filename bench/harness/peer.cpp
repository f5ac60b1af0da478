#include "bench/harness/peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "strata/base/bytes/files.h"
#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/screen.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/machine/cpu_target.h"

extern char** environ;

namespace strata::bench {
namespace {

using base::Error;
using base::Json;

std::vector<std::string> environment_with(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!extra.contains(std::string(*entry, std::strcspn(*entry, "=")))) list.emplace_back(*entry);
  for (const auto& [key, value] : extra) list.push_back(fmt::format("{}={}", key, value));
  return list;
}

/// What libraries read that choose kernels by the CPU: with AVX2 forced on a CPU that has more (STRATA_ISA), they are
/// held to it, too. ONNX Runtime has no such variable and takes what is there.
std::map<std::string, std::string> instruction_limits() {
  using machine::CpuFeature;
  const bool is_held = machine::host_features().has(CpuFeature::Avx512) &&
                       !machine::chosen_cpu_target().features.has(CpuFeature::Avx512);
  if (!is_held) return {};
  return {{"ONEDNN_MAX_CPU_ISA", "AVX2"}, {"ATEN_CPU_CAPABILITY", "avx2"}, {"MKL_ENABLE_INSTRUCTIONS", "AVX2"}};
}

std::vector<char*> pointers(const std::vector<std::string>& list) {
  std::vector<char*> result;
  for (const std::string& text : list) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

struct PipePair {
  int read = -1, write = -1;
};
PipePair make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(base::code::kPeerFailed, "bench: no pipe: " + base::errno_text(errno));
  return {ends[0], ends[1]};
}

/// Of a program that the build makes beside this one.
std::string built_path(const std::string& name) {
  const std::string self = own_path();
  return self.substr(0, self.rfind('/') + 1) + name;
}

std::unique_ptr<Peer> set_up(std::unique_ptr<Peer> peer, const std::string& name, const Json& setup, Json& reply) {
  Json request = setup;
  request.set("do", "setup");
  try {
    reply = peer->ask(request);
  } catch (const Error& error) {
    base::write_human_line(fmt::format("bench: {} is left out: {}", name, error.message()));
    return nullptr;
  }
  return peer;
}

}  // namespace

Peer::Peer(std::string name, const std::vector<std::string>& argv,
           const std::map<std::string, std::string>& environment)
    : name_(std::move(name)), log_path_("bench/out/" + name_ + ".log") {
  base::make_folders("bench/out");
  std::signal(SIGPIPE, SIG_IGN);  // a peer that died is found by what write() says
  const PipePair in = make_pipe(), out = make_pipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write, 1);
  posix_spawn_file_actions_addopen(&actions, 2, log_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const std::vector<std::string> variables = environment_with(environment);
  const int code =
      posix_spawnp(&pid_, argv[0].c_str(), &actions, nullptr, pointers(argv).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(in.read);
  ::close(out.write);
  to_ = in.write;
  from_ = out.read;
  if (code != 0) {
    pid_ = -1;
    throw Error(base::code::kPeerFailed, fmt::format("bench: can't start {}: {}", argv[0], base::errno_text(code)));
  }
}

Peer::~Peer() {
  if (to_ >= 0) ::close(to_);
  if (from_ >= 0) ::close(from_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

std::string Peer::read_line() {
  while (buffer_.find('\n') == std::string::npos) {
    char part[4096];
    const ssize_t got = ::read(from_, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw Error(base::code::kPeerFailed, fmt::format("bench: peer {} ended", name_))
          .hint("what it said stands in " + log_path_);
    buffer_.append(part, got);
  }
  const size_t end = buffer_.find('\n');
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

Json Peer::ask(const Json& request) {
  const base::ParkedScope parked(base::ThreadPool::shared());
  const std::string line = request.dump() + "\n";
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t n = ::write(to_, line.data() + sent, line.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw Error(base::code::kPeerFailed, fmt::format("bench: peer {} ended", name_))
          .hint("what it said stands in " + log_path_);
    sent += n;
  }
  Json reply = base::parse_json(read_line(), name_).value();
  if (const Json* error = reply.find("error"))
    throw Error(base::code::kPeerFailed, fmt::format("peer {}: {}", name_, error->as_string()));
  return reply;
}

double Peer::run(Json request) {
  request.set("do", "run");
  const double seconds = ask(request).at("seconds").as_double();
  ::usleep(20'000);  // OpenMP's workers look out for work for some milliseconds before they sleep
  return seconds;
}

std::optional<std::string> peers_python() {
  std::string path;
  if (const auto given = base::environment("STRATA_PEERS_PYTHON"); given && !given->empty())
    path = *given;
  else if (const char* home = std::getenv("HOME"); home && *home)
    path = std::string(home) + "/.cache/strata/peers/bin/python";
  if (path.empty() || !base::is_file(path)) return std::nullopt;
  return path;
}

std::vector<std::string> absent_peers() {
  std::vector<std::string> lines;
  if (!base::is_file(built_path("onednn_peer")))
    lines.emplace_back("oneDNN: onednn_peer is not built; install libdnnl-dev (tools/setup bench), then `make bench`");
  if (!peers_python())
    lines.emplace_back("PyTorch and tokenizers: there is no Python that has them; tools/peers installs them");
  return lines;
}

std::unique_ptr<Peer> python_peer(const std::string& script, const Json& setup, Json& reply) {
  const std::optional<std::string> python = peers_python();
  if (!python) {
    base::write_human_line("bench: no Python with the peers: our figures alone (tools/peers installs them)");
    return nullptr;
  }
  const std::string name = script.substr(0, script.find('.'));
  auto peer = std::make_unique<Peer>(name, std::vector<std::string>{*python, STRATA_BENCH_FOLDER "/peers/" + script},
                                     instruction_limits());
  return set_up(std::move(peer), name, setup, reply);
}

std::unique_ptr<Peer> built_peer(const std::string& name, const Json& setup, Json& reply) {
  const std::string path = built_path(name);
  if (!base::is_file(path)) {
    base::write_human_line(fmt::format("bench: {} was not built, for want of its library: our figures alone", name));
    return nullptr;
  }
  return set_up(std::make_unique<Peer>(name, std::vector<std::string>{path}, instruction_limits()), name, setup, reply);
}

std::string own_path() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) throw Error(base::code::kPeerFailed, "bench: can't find this program: " + base::errno_text(errno));
  return std::string(path, size);
}

}  // namespace strata::bench
