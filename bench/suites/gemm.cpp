// f32 products of square matrices through jit, results allocated and all, against oneDNN's matmul primitive, which is
// handed its buffers. oneDNN is the strongest of the libraries in Debian.
#include <fmt/format.h>

#include "bench/harness/contest.h"
#include "bench/harness/machine_limits.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/ops/contraction/dot.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"

namespace strata::bench {
namespace {

void run_size(int64_t n, int threads, Peer* peer, const std::string& version, const SuiteOptions& options,
              const Report& report) {
  const Tensor a = uniform(Key(1), {n, n}, -1, 1).evaluate(), b = uniform(Key(2), {n, n}, -1, 1).evaluate();
  auto product = jit([](Tensor a, Tensor b) { return matmul(a, b); }, {.name = "gemm", .is_batch_symbolic = false});
  std::vector<Contestant> contestants = {{"strata", burst([&] { product(a, b).evaluate(); }, threads)}};
  if (peer) contestants.push_back({"oneDNN", [&] { return peer->run(base::Json::object().set("n", n)); }});
  const std::vector<double> seconds = contest(contestants, options.rounds);
  const double flops = 2.0 * static_cast<double>(n * n * n);
  Row row{.workload = fmt::format("{0} x {0} x {0}", n),
          .ours = flops / seconds[0] * 1e-9,
          .unit = "GF/s",
          .better = Better::Higher,
          .bar = 0.9,
          .limit_fraction = flops / seconds[0] / peak_flops(threads),
          .threads = threads,
          .operations = flops,
          .bytes = 12.0 * static_cast<double>(n * n)};
  if (peer) row.against("oneDNN", version, flops / seconds[1] * 1e-9);
  report(std::move(row));
}

}  // namespace

void run_gemm(const SuiteOptions& options, const Report& report) {
  for (const int threads : {1, 2}) {
    const ThreadsScope scope(threads);
    base::Json reply;
    std::unique_ptr<Peer> peer;
    if (options.with_peers) peer = built_peer("onednn_peer", base::Json::object().set("threads", threads), reply);
    const std::string version = peer ? reply.at("version").as_string() : "";
    for (const int64_t n : {256, 512, 1024, 2048}) run_size(n, threads, peer.get(), version, options, report);
  }
}

}  // namespace strata::bench
