// Recording: what it costs to build a program, op by op, with shape rule, hash and position. No peer records alike; the
// limit is a stated one.
#include <functional>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/tensor/recording/recording.h"

namespace strata::bench {
namespace {

constexpr int kLength = 10'000;
constexpr double kLimitNs = 100;

/// CPU seconds of a chain of ops on a traced tensor.
template <class Op>
double chain_seconds(Op op) {
  recording_detail::TraceScope scope;
  const Tensor start = scope.recording().parameter(ir::Type::of(DType::f32, {Dim(64)}), "x");
  Tensor x = start;
  return cpu_seconds([&] {
    for (int i = 0; i < kLength; ++i) x = op(x, start);
  });
}

/// An expression and how many ops it records.
struct Chain {
  std::string name;
  int ops;
  std::function<double()> seconds;
};

}  // namespace

void run_record(const SuiteOptions& options, const Report& report) {
  const Chain chains[] = {
      {"tanh(x)", 1, [] { return chain_seconds([](const Tensor& x, const Tensor&) { return tanh(x); }); }},
      {"x * y", 1, [] { return chain_seconds([](const Tensor& x, const Tensor& start) { return x * start; }); }},
      {"x * 1.5: constant, broadcast, multiply", 3,
       [] { return chain_seconds([](const Tensor& x, const Tensor&) { return x * 1.5; }); }},
      {"gelu(x): a composite and the 11 ops of its body", 12,
       [] { return chain_seconds([](const Tensor& x, const Tensor&) { return gelu(x); }); }},
  };
  std::vector<Contestant> contestants;
  for (const Chain& c : chains) contestants.push_back({c.name, c.seconds});
  const std::vector<double> seconds = contest(contestants, 20 * options.rounds);
  for (size_t i = 0; i < seconds.size(); ++i)
    report({.workload = "chain of 10,000 times " + chains[i].name,
            .peer = std::string(kStatedLimit),
            .ours = seconds[i] / (kLength * chains[i].ops) * 1e9,
            .theirs = kLimitNs,
            .unit = "ns per op",
            .bar = 1});
}

}  // namespace strata::bench
