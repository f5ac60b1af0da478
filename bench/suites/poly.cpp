// Nests that the polyhedral scheduler takes, against the same nests as a C++ programmer writes them, at -O3 for this
// CPU and on one thread: what tiles, waves and vectors bring where a compiler keeps the order of the text.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/base/bytes/files.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/native_kernel.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::bench {
namespace {

struct Work {
  std::string_view nest;  ///< of examples/loops
  int64_t n, steps;       ///< the side of a matrix; 0 steps: it has none
  double bar;
};

constexpr Work kWorks[] = {
    {"seidel", 2000, 40, 3}, {"lu", 1024, 0, 3}, {"lu", 2048, 0, 3}, {"blur", 4096, 0, 3}, {"jacobi", 2000, 40, 0}};

/// The kernel of an example, scheduled, with its arrays.
class Nest {
 public:
  explicit Nest(const Work& work)
      : work_(work), naive_(ir::loops::parse_kernel(text_of(work)).value()), native_(target(), scheduled()) {
    for (const std::string& dim : naive_.dims) dims_.push_back(dim == "T" ? work.steps : work.n);
    buffers_ = compiler::make_buffers(naive_, dims_, [](ir::HostArray& a, int64_t i) { a.set(i, element(i)); });
  }

  /// Of one run, in a burst after one that is not timed, as on the peer's side.
  double seconds() {
    once();
    int count = 0;
    double total = 0;
    for (; total < 0.1; ++count) total += once();
    return total / count;
  }

 private:
  /// LU starts with the matrix itself, whose diagonal is large.
  double once() {
    if (work_.nest == "lu") {
      const int64_t n = work_.n;
      float* a = reinterpret_cast<float*>(buffers_[0].data());
      for (int64_t i = 0; i < n * n; ++i) a[i] = element(i) + (i % (n + 1) ? 0.0F : static_cast<float>(n));
    }
    std::vector<void*> pointers;
    for (ir::HostArray& a : buffers_) pointers.push_back(a.data());
    return wall_seconds([&] { native_.run(pointers, dims_); });
  }
  static float element(int64_t i) { return static_cast<float>(i % 17) / 17 + 0.5F; }
  static const compiler::Target& target() { return compiler::chosen_target(); }
  static std::string text_of(const Work& work) {
    return base::read_text(fmt::format("{}/../examples/loops/{}.sloop", STRATA_BENCH_FOLDER, work.nest)).value();
  }
  ir::loops::Kernel scheduled() const { return target().schedule(naive_, nullptr, {.rewrites = "poly auto"}); }

  Work work_;
  ir::loops::Kernel naive_;
  compiler::NativeKernel native_;
  std::vector<int64_t> dims_;
  std::vector<ir::HostArray> buffers_;
};

void run_work(const Work& work, int threads, Peer* peer, const std::string& version, const SuiteOptions& options,
              const Report& report) {
  Nest nest(work);
  std::vector<Contestant> contestants = {{"strata", [&] { return nest.seconds(); }}};
  const base::Json request =
      base::Json::object().set("nest", std::string(work.nest)).set("n", work.n).set("steps", work.steps);
  if (peer) contestants.push_back({"naive nest", [&] { return peer->run(request); }});
  const std::vector<double> seconds = contest(contestants, options.rounds);
  Row row{
      .workload = fmt::format("{} {}{}", work.nest, work.n, work.steps ? fmt::format(", {} steps", work.steps) : ""),
      .ours = seconds[0] * 1e3,
      .unit = "ms",
      .threads = threads};
  if (peer) {
    row.against("naive nest, one thread", version, seconds[1] * 1e3);
    if (threads == 2 && work.bar > 0) row.bar = work.bar;
  }
  report(std::move(row));
}

}  // namespace

void run_poly(const SuiteOptions& options, const Report& report) {
  warn_if_busy();
  base::Json reply;
  const auto peer = options.with_peers ? built_peer("naive_nests_peer", base::Json::object(), reply) : nullptr;
  const std::string version = peer ? reply.at("version").as_string() : "";
  for (const int threads : {1, 2}) {
    const ThreadsScope scope(threads);
    for (const Work& work : kWorks) run_work(work, threads, peer.get(), version, options, report);
  }
}

}  // namespace strata::bench
