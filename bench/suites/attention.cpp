// Causal attention, forwards and with its gradients, against PyTorch's scaled_dot_product_attention; with a score of
// its own, against what PyTorch has for that (flex_attention forwards, the formula through torch.compile with
// gradients). The share of the peak counts the operations on the half of the scores that is seen.
#include <fmt/format.h>

#include <vector>

#include "bench/harness/contest.h"
#include "bench/harness/machine_limits.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/torch_contest.h"
#include "strata/ops/composites/attention.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

using Tensors = std::vector<Tensor>;

struct Workload {
  int64_t length;
  double soft_cap;
};
constexpr Workload kWorkloads[] = {{512, 0}, {2048, 0}, {4096, 0}, {2048, 20}};
constexpr int64_t kHeads = 12, kDepth = 64;

void run_workload(const Workload& w, int threads, const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(threads);
  const Shape shape{1, kHeads, w.length, kDepth};
  const Tensors arguments{normal(Key(1), shape), normal(Key(2), shape), normal(Key(3), shape)};
  const Tensor dy = normal(Key(4), shape).evaluate();
  for (const Tensor& t : arguments) t.evaluate();
  const auto attend = [&w](const Tensors& a) {
    return attention(a[0], a[1], a[2], std::optional<Tensor>(), {.is_causal = true, .soft_cap = w.soft_cap});
  };
  auto forward = jit([&](const Tensors& a) { return attend(a); });
  auto both = jit([&](const Tensors& a, Tensor dy) { return vjp(attend, a, dy).second; });
  base::Json reply;
  std::unique_ptr<Peer> peer;
  if (options.with_peers)
    peer = python_peer("attention_peer.py",
                       base::Json::object()
                           .set("heads", kHeads)
                           .set("length", w.length)
                           .set("depth", kDepth)
                           .set("soft_cap", w.soft_cap)
                           .set("threads", threads),
                       reply);
  for (const bool with_gradient : {false, true}) {
    const std::function<void()> work = with_gradient ? std::function<void()>([&] { both(arguments, dy)[0].evaluate(); })
                                                     : [&] { forward(arguments).evaluate(); };
    work();
    Row row{.workload = fmt::format("attention, T = {}{}{}", w.length, w.soft_cap > 0 ? ", soft cap" : "",
                                    with_gradient ? ", with gradient" : ""),
            .bar = 1.2,
            .threads = threads};
    const double seconds = contest_with_torch(row, burst(work, threads), peer.get(), reply,
                                              base::Json::object().set("gradient", with_gradient), options.rounds);
    const auto t = static_cast<double>(w.length);
    const double operations = (with_gradient ? 14.0 : 4.0) * kDepth * kHeads * t * (t + 1) / 2;
    row.operations = operations;
    row.bytes = (with_gradient ? 7.0 : 4.0) * kHeads * kDepth * t * 4;
    row.limit_fraction = operations / seconds / 1e9 / peaks_of(threads).fma_gflops_all_threads;
    report(std::move(row));
  }
}

}  // namespace

void run_attention(const SuiteOptions& options, const Report& report) {
  for (const Workload& w : kWorkloads) run_workload(w, 2, options, report);
}

}  // namespace strata::bench
