// Recording: what it costs to build a program, op by op, with shape rule, hash and position. No peer records alike; the
// limit is a stated one.
#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "strata/ops/elementwise.h"
#include "strata/tensor/recording.h"

namespace strata::bench {
namespace {

constexpr int kOps = 10'000;
constexpr double kLimitNs = 100;

/// Seconds of a chain of ops on a traced tensor.
template <class Op>
double chain_seconds(Op op) {
  TraceScope scope;
  const Tensor start = scope.recording().parameter(ir::Type::of(DType::f32, {Dim(64)}), "x");
  Tensor x = start;
  return wall_seconds([&] {
    for (int i = 0; i < kOps; ++i) x = op(x, start);
  });
}

}  // namespace

void run_record(const SuiteOptions& options, const Report& report) {
  const Contestant chains[] = {
      {"tanh", [] { return chain_seconds([](const Tensor& x, const Tensor&) { return tanh(x); }); }},
      {"multiply", [] { return chain_seconds([](const Tensor& x, const Tensor& start) { return x * start; }); }},
      {"multiply by a number", [] { return chain_seconds([](const Tensor& x, const Tensor&) { return x * 1.5; }); }},
  };
  const std::vector<double> seconds = contest(chains, 20 * options.rounds);
  for (size_t i = 0; i < seconds.size(); ++i)
    report({.workload = "chain of 10,000 ops: " + chains[i].name,
            .peer = std::string(kStatedLimit),
            .ours = seconds[i] / kOps * 1e9,
            .theirs = kLimitNs,
            .unit = "ns per op",
            .bar = 1});
}

}  // namespace strata::bench
