// Sums over all pairs of points, as kernel methods have them, with their gradients: what is computed for the pairs must
// not go through memory. Against PyTorch, which gets the same formula.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/torch_contest.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

using Tensors = std::vector<Tensor>;

/// x [M, 3], y [N, 3], b [N]: sum over j of exp(-|x_i - y_j|^2) b_j.
Tensor radial_basis(const Tensors& a) {
  const Tensor d = expand_dims(a[0], 1) - expand_dims(a[1], 0);
  return sum(exp(-sum(d * d, {2})) * expand_dims(a[2], 0), {1});
}

}  // namespace

void run_pairs(const SuiteOptions& options, const Report& report) {
  constexpr int64_t kPoints = 8192;
  constexpr int kThreads = 2, kMostRounds = 3;  // the peer's calls take seconds
  const ThreadsScope scope(kThreads);
  const Tensors arguments{normal(Key(1), {kPoints, 3}).evaluate(), normal(Key(2), {kPoints, 3}).evaluate(),
                          normal(Key(3), {kPoints}).evaluate()};
  const Tensor dy = normal(Key(4), {kPoints}).evaluate();
  auto forward = jit([](const Tensors& a) { return radial_basis(a); });
  auto both = jit([](const Tensors& a, Tensor dy) { return vjp(radial_basis, a, dy).second; });
  base::Json reply;
  std::unique_ptr<Peer> peer;
  if (options.with_peers)
    peer = python_peer("pairs_peer.py", base::Json::object().set("points", kPoints).set("threads", kThreads), reply);
  for (const bool with_gradient : {false, true}) {
    const std::function<void()> work = with_gradient ? std::function<void()>([&] { both(arguments, dy)[0].evaluate(); })
                                                     : [&] { forward(arguments).evaluate(); };
    work();
    Row row{.workload = fmt::format("radial basis sum, {0} x {0} points of 3{1}", kPoints,
                                    with_gradient ? ", with gradient" : ""),
            .bar = 5,
            .threads = kThreads};
    contest_with_torch(row, burst(work, kThreads), peer.get(), reply,
                       base::Json::object().set("gradient", with_gradient), std::min(options.rounds, kMostRounds));
    report(std::move(row));
  }
}

}  // namespace strata::bench
