// Normalisations, softmax and losses over the rows of a matrix, forwards and with their gradients, against PyTorch:
// what they cost is going through memory. The share of its bandwidth counts the arrays that have to be moved; it can be
// above 1, since a part of 16 MiB lies in the last cache from one call to the next.
#include <fmt/format.h>

#include <vector>

#include "bench/harness/contest.h"
#include "bench/harness/machine_limits.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/torch_contest.h"
#include "bench/workloads/program_figures.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

using Tensors = std::vector<Tensor>;

struct Workload {
  const char* what;
  int64_t rows, width;
  Tensor (*f)(const Tensors& arguments, const Tensor& targets);
  int arguments;                     ///< of x, weight and bias
  double forward_moves, both_moves;  ///< matrices that have to be read or written
};

const Workload kWorkloads[] = {
    {"softmax", 4096, 1024, [](const Tensors& a, const Tensor&) { return softmax(a[0], -1); }, 1, 2, 3},
    {"scale, ReLU, square, sum", 4096, 1024,
     [](const Tensors& a, const Tensor&) { return square(relu(a[0] * 1.5 + 0.25)) + a[0]; }, 1, 2, 3},
    {"GELU", 4096, 1024, [](const Tensors& a, const Tensor&) { return gelu(a[0]); }, 1, 2, 3},
    {"LayerNorm", 4096, 1024, [](const Tensors& a, const Tensor&) { return layer_norm<Tensor>(a[0], a[1], a[2]); }, 3,
     2, 3},
    {"RMSNorm", 4096, 1024, [](const Tensors& a, const Tensor&) { return rms_norm<Tensor>(a[0], a[1]); }, 2, 2, 3},
    {"cross-entropy", 512, 50257, [](const Tensors& a, const Tensor& t) { return cross_entropy(a[0], t); }, 1, 1, 2},
};

void run_workload(const Workload& w, int threads, const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(threads);
  Tensors arguments{normal(Key(1), {w.rows, w.width}), normal(Key(2), {w.width}), normal(Key(3), {w.width})};
  arguments.resize(w.arguments);
  const bool is_loss = std::string_view(w.what) == "cross-entropy";
  const Tensor targets = random_integers(Key(4), {w.rows}, 0, w.width, DType::i32).evaluate();
  const Tensor dy = is_loss ? Tensor::ones({}) : normal(Key(5), {w.rows, w.width}).evaluate();
  for (const Tensor& t : arguments) t.evaluate();
  auto forward = jit([&w](const Tensors& a, Tensor t) { return w.f(a, t); });
  auto both = jit([&w](const Tensors& a, Tensor t, Tensor dy) {
    return vjp([&](const Tensors& inner) { return w.f(inner, t); }, a, dy).second;
  });
  base::Json reply;
  std::unique_ptr<Peer> peer;
  if (options.with_peers)
    peer = python_peer(
        "rows_peer.py",
        base::Json::object().set("what", w.what).set("rows", w.rows).set("width", w.width).set("threads", threads),
        reply);
  for (const bool with_gradient : {false, true}) {
    const std::function<void()> work = with_gradient
                                           ? std::function<void()>([&] { both(arguments, targets, dy)[0].evaluate(); })
                                           : [&] { forward(arguments, targets).evaluate(); };
    work();
    Row row{.workload = fmt::format("{} [{}, {}]{}", w.what, w.rows, w.width, with_gradient ? ", with gradient" : ""),
            .bar = 1.5,
            .threads = threads};
    const double seconds = contest_with_torch(row, burst(work, threads), peer.get(), reply,
                                              base::Json::object().set("gradient", with_gradient), options.rounds);
    const double moves = with_gradient ? w.both_moves : w.forward_moves;
    const double bytes = moves * static_cast<double>(w.rows * w.width * 4);
    row.bytes = bytes;
    row.operations = all_flops(with_gradient ? *both.executable() : *forward.executable(), w.rows);
    row.limit_fraction = bytes / seconds / 1e9 / peaks_of(threads).memory_gbytes_per_s_all_threads;
    report(std::move(row));
  }
}

}  // namespace

void run_rows(const SuiteOptions& options, const Report& report) {
  for (const Workload& w : kWorkloads) run_workload(w, 2, options, report);
}

}  // namespace strata::bench
