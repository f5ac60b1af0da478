// f32 products of matrices through jit, results allocated and all: cubes, and the shapes of a transformer of GPT-2's
// size over 512 tokens and of ResNet-50's convolutions. Against oneDNN's matmul primitive, OpenBLAS and BLIS, their
// cores forced and their buffers handed to them; the best of the three counts for each size. Small cubes are 64
// contractions inside one program.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/harness/contest.h"
#include "bench/harness/machine_limits.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/dot.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"

namespace strata::bench {
namespace {

using Tensors = std::vector<Tensor>;

struct Size {
  int64_t m, n, k, count;
};
constexpr Size kSizes[] = {
    {64, 64, 64, 64},      {128, 128, 128, 64},   {256, 256, 256, 1},  {512, 512, 512, 1}, {1024, 1024, 1024, 1},
    {2048, 2048, 2048, 1}, {4096, 4096, 4096, 1}, {512, 2304, 768, 1},  // queries, keys and values
    {512, 3072, 768, 1},                                                // into the MLP
    {512, 768, 3072, 1},                                                // out of it
    {512, 50257, 768, 1},                                               // logits
    {64, 3136, 576, 1},  // 3 x 3 windows of the first stage, and of the three after it
    {128, 784, 1152, 1},   {256, 196, 2304, 1},   {512, 49, 4608, 1},
};

struct Opponent {
  std::string name, version;
  std::unique_ptr<Peer> peer;
};

std::vector<Opponent> opponents_of(int threads) {
  using base::Json;
  std::vector<Opponent> opponents;
  const auto invite = [&](std::string name, const char* program, const Json& setup) {
    Json reply;
    if (auto peer = built_peer(program, setup, reply))
      opponents.push_back({std::move(name), reply.at("version").as_string(), std::move(peer)});
  };
  invite("oneDNN", "onednn_peer", Json::object().set("threads", threads));
  const bool has_avx512 = machine::chosen_cpu_target().features.has(machine::CpuFeature::Avx512);
  for (const auto& [name, library] : {std::pair("OpenBLAS", "openblas"), std::pair("BLIS", "blis")})
    invite(name, "blas_peer",
           Json::object().set("library", library).set("threads", threads).set("core", has_avx512 ? "avx512" : "avx2"));
  return opponents;
}

Tensors matrices(const Key& key, const Size& size, int64_t rows, int64_t columns) {
  Tensors made;
  for (const Key& one : key.split(static_cast<int>(size.count)))
    made.push_back(uniform(one, {rows, columns}, -1, 1).evaluate());
  return made;
}

/// Seconds of all products of a size, ours first, then the opponents' in their order.
std::vector<double> timed(const Size& size, int threads, const std::vector<Opponent>& opponents, int rounds) {
  const Tensors a = matrices(Key(1), size, size.m, size.k), b = matrices(Key(2), size, size.k, size.n);
  auto products = jit(
      [](const Tensors& a, const Tensors& b) {
        Tensors c;
        for (size_t i = 0; i < a.size(); ++i) c.push_back(matmul(a[i], b[i]));
        return c;
      },
      {.name = "gemm", .is_batch_symbolic = false});
  std::vector<Contestant> contestants = {{"strata", burst([&] { products(a, b)[0].evaluate(); }, threads)}};
  const base::Json request =
      base::Json::object().set("m", size.m).set("n", size.n).set("k", size.k).set("count", size.count);
  for (const Opponent& opponent : opponents)
    contestants.push_back({opponent.name, [&] { return opponent.peer->run(request); }});
  return contest(contestants, rounds);
}

/// The row, and its ratio where there is a peer.
std::optional<double> run_size(const Size& size, int threads, const std::vector<Opponent>& opponents,
                               const SuiteOptions& options, const Report& report) {
  SuiteOptions few = options;
  const double flops = 2.0 * static_cast<double>(size.m * size.n * size.k * size.count);
  if (flops > 1e11) few.rounds = std::min(options.rounds, 3);  // a turn of all four takes seconds
  const std::vector<double> seconds = timed(size, threads, opponents, few.rounds);
  Row row{.workload = fmt::format("{}{} x {} x {}", size.count > 1 ? fmt::format("{} times ", size.count) : "", size.m,
                                  size.n, size.k),
          .ours = flops / seconds[0] * 1e-9,
          .unit = "GF/s",
          .better = Better::Higher,
          .bar = 0.93,
          .limit_fraction = flops / seconds[0] / peak_flops(threads),
          .threads = threads,
          .operations = flops,
          .bytes = 4.0 * static_cast<double>(size.count * (size.m * size.k + size.k * size.n + size.m * size.n))};
  if (!opponents.empty()) {
    const auto best = std::min_element(seconds.begin() + 1, seconds.end());
    const Opponent& opponent = opponents[best - seconds.begin() - 1];
    row.against(opponent.name, opponent.version, flops / *best * 1e-9);
  }
  const std::optional<double> ratio = row.ratio();
  report(std::move(row));
  return ratio;
}

}  // namespace

void run_gemm(const SuiteOptions& options, const Report& report) {
  for (const int threads : {1, 2}) {
    const ThreadsScope scope(threads);
    const std::vector<Opponent> opponents = options.with_peers ? opponents_of(threads) : std::vector<Opponent>();
    double sum_of_logs = 0;
    for (const Size& size : kSizes)
      sum_of_logs += std::log(run_size(size, threads, opponents, options, report).value_or(1));
    if (opponents.empty()) continue;
    Row mean{.workload = "geometric mean of the ratios", .unit = "times", .bar = 0.97, .threads = threads};
    mean.better = Better::Higher;
    mean.ours = std::exp(sum_of_logs / static_cast<double>(std::size(kSizes)));
    mean.against("the best for each size", "", 1);
    report(std::move(mean));
  }
}

}  // namespace strata::bench
