// Programs without jit against the same under jit, and against PyTorch eager: what is recorded anew at each turn, and
// compiled beside once it has come twice.
#include <fmt/format.h>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/step_contest.h"
#include "strata/nn/init.h"
#include "strata/nn/linear.h"
#include "strata/nn/loss.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/optim/rules.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/lazy/compilation.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

constexpr int64_t kInputs = 784, kHidden = 128, kClasses = 10, kBatch = 64;

struct Mlp {
  nn::Linear hidden{kInputs, kHidden}, out{kHidden, kClasses};
  STRATA_FIELDS(hidden, out)
  Tensor operator()(const Tensor& x_BI) const { return out(relu(hidden(x_BI))); }
};

Tensor step(Mlp& model, optim::Optimiser& adam, const Tensor& x_BI, const Tensor& y_B) {
  auto [loss, grads] = value_and_grad([&](const Mlp& m) { return nn::cross_entropy(m(x_BI), y_B); }, model);
  adam.update(model, grads);
  return loss;
}

/// A model in training.
struct Training {
  Mlp model = nn::init<Mlp>(Key{0});
  optim::Optimiser adam = optim::Adam{.lr = 1e-3}.start(model);
  Tensor x_BI = normal(Key(1), {kBatch, kInputs}).evaluate();
  Tensor y_B = random_integers(Key(2), {kBatch}, 0, kClasses, DType::i32).evaluate();
};

void run_mlp(const SuiteOptions& options, const Report& report) {
  Training plain, compiled;
  auto jitted =
      jit([](Mlp& m, optim::Optimiser& adam, const Tensor& x, const Tensor& y) { return step(m, adam, x, y); },
          {.name = "mlp"});
  const auto lazy_step = [&] { step(plain.model, plain.adam, plain.x_BI, plain.y_B).evaluate(); };
  const auto jit_step = [&] { jitted(compiled.model, compiled.adam, compiled.x_BI, compiled.y_B).evaluate(); };
  for (int i = 0; i < 4; ++i) {
    lazy_step();
    wait_for_compilations();
  }
  for (const int threads : {1, 2}) {
    const ThreadsScope scope(threads);
    const Contestant sides[] = {{"without jit", burst(lazy_step, threads)}, {"jit", burst(jit_step, threads)}};
    const std::vector<double> seconds = contest(sides, 5 * options.rounds);
    report({.workload = "MLP 784-128-10, batch 64, Adam: a step without jit",
            .peer = "the step under jit",
            .ours = seconds[0] * 1e6,
            .theirs = seconds[1] * 1e6,
            .unit = "us",
            .bar = 0.8,
            .threads = threads});
  }
  const ThreadsScope scope(2);
  const double flops = 2.0 * 3 * kBatch * (kInputs * kHidden + kHidden * kClasses);
  for (const auto& [name, ours] : {std::pair("without jit", burst(lazy_step, 2)), std::pair("jit", burst(jit_step, 2))})
    run_step_contest({.workload = fmt::format("MLP 784-128-10, batch 64, Adam: a step, {}", name),
                      .peer_setup = base::Json::object().set("workload", "mlp").set("batch", kBatch),
                      .ours = ours,
                      .flops = flops,
                      .bar = 3,
                      .threads = 2},
                     options, report);
}

/// Ops on 64 numbers: nothing but what it costs to run something.
void run_tiny(const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(1);
  const Tensor x = normal(Key(1), {64}).evaluate();
  for (const int ops : {10, 100}) {
    const auto chain = [ops](const Tensor& start) {
      Tensor y = start;
      for (int i = 0; i < ops / 2; ++i) y = y * 0.5 + start;
      return y;
    };
    auto jitted = jit(chain, {.name = "chain"});
    for (int i = 0; i < 4; ++i) {
      chain(x).evaluate();
      wait_for_compilations();
    }
    const Contestant sides[] = {{"without jit", burst([&] { chain(x).evaluate(); }, 1)},
                                {"jit", burst([&] { jitted(x).evaluate(); }, 1)}};
    const std::vector<double> seconds = contest(sides, 5 * options.rounds);
    report({.workload = fmt::format("{} tiny ops, recorded and run, without jit", ops),
            .peer = "the call under jit",
            .ours = seconds[0] * 1e6,
            .theirs = seconds[1] * 1e6,
            .unit = "us"});
  }
}

}  // namespace

void run_lazy(const SuiteOptions& options, const Report& report) {
  run_tiny(options, report);
  run_mlp(options, report);
}

}  // namespace strata::bench
