// How many digits long sums keep, beside PyTorch and NumPy: the root mean square over seeds of |result - exact| / sum
// of |terms|, in units of 2^-23. Asked for is at most twice the better peer's error, or one unit, whichever is larger.
// Sums of more than a million terms take their time: they have as many seeds as the run has rounds (--rounds 32).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/tensor.h"

namespace strata::bench {
namespace {

constexpr double kUnit = 0x1p-23;

struct Case {
  std::string_view what;
  bool is_cancelling;
  int64_t terms;
};

struct Numbers {
  std::vector<float> x, y;
};

Numbers draw(const Case& sum, int seed) {
  std::mt19937 bits(static_cast<uint32_t>(seed) + 1);
  const auto uniform = [&] { return static_cast<float>(bits() >> 8) * 0x1p-24F; };
  Numbers made{std::vector<float>(sum.terms), std::vector<float>(sum.terms)};
  for (float& value : made.x) value = uniform() - (sum.is_cancelling ? 0.5F : 0.0F);
  for (float& value : made.y) value = uniform();
  return made;
}

double element(const Tensor& t) { return static_cast<double>(t.data<float>().back()); }

double ours(std::string_view what, const Numbers& numbers) {
  const auto n = std::ssize(numbers.x);
  const auto tensor = [](const std::vector<float>& values, std::vector<int64_t> shape) {
    return Tensor::from(std::span<const float>(values), std::move(shape));
  };
  const Tensor x = tensor(numbers.x, {n});
  if (what == "dot") return element(ops::matmul(x, tensor(numbers.y, {n})));
  if (what == "conv")
    return element(ops::conv(tensor(numbers.x, {1, n / 9, 3, 3}), tensor(numbers.y, {1, n / 9, 3, 3})));
  if (what == "sum") return element(ops::sum(x));
  if (what == "sum of rows") return element(ops::sum(ops::stack<Tensor>({x, x}, 1), {0}));
  if (what == "mean") return element(ops::mean(x));
  if (what == "cumsum") return element(ops::cumsum(x, 0));
  if (what == "variance") return element(ops::variance(x + 10.0));
  return element(ops::scatter(Tensor::zeros({1}), Tensor::zeros({n, 1}, DType::i64), x, {0}, 0, ops::OutOfRange::Clamp,
                              ops::Combine::Add));
}

/// The exact result and the sum of |terms|.
std::pair<double, double> exact(std::string_view what, const Numbers& numbers) {
  double sum = 0, size = 0;
  const double n = numbers.x.size();
  if (what == "variance") {
    for (float x : numbers.x) sum += static_cast<double>(x + 10.0F);
    for (float x : numbers.x)
      size += (static_cast<double>(x + 10.0F) - sum / n) * (static_cast<double>(x + 10.0F) - sum / n);
    return {size / n, size / n};
  }
  for (size_t i = 0; i < numbers.x.size(); ++i) {
    const double factor = what == "dot" || what == "conv" ? static_cast<double>(numbers.y[i]) : 1.0;
    sum += static_cast<double>(numbers.x[i]) * factor;
    size += std::abs(static_cast<double>(numbers.x[i])) * factor;
  }
  return what == "mean" ? std::pair{sum / n, size / n} : std::pair{sum, size};
}

double rms(const Case& sum, int seeds) {
  double squares = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const Numbers numbers = draw(sum, seed);
    const auto [value, size] = exact(sum.what, numbers);
    squares += std::pow((ours(sum.what, numbers) - value) / size, 2);
  }
  return std::sqrt(squares / seeds);
}

}  // namespace

void run_sums(const SuiteOptions& options, const Report& report) {
  base::Json reply;
  const auto peer = options.with_peers ? python_peer("sums_peer.py", base::Json::object(), reply) : nullptr;
  for (const std::string_view what : {"dot", "sum", "sum of rows", "mean", "cumsum", "variance", "conv", "scatter"})
    for (const int64_t terms : {int64_t{999}, int64_t{99'999}, int64_t{9'999'999}, int64_t{99'999'999}})
      for (const bool is_cancelling : {false, true}) {
        if (terms > 10'000'000 && what != "dot" && what != "sum") continue;
        const Case sum{what, is_cancelling, terms};
        const int seeds = terms > 1'000'000 ? options.rounds : 32;
        const char* data = is_cancelling ? "cancelling" : "uniform";
        Row row{.workload = fmt::format("{} of {} terms, {}", what, terms, data),
                .ours = rms(sum, seeds) / kUnit,
                .unit = "2^-23 of sum |terms|",
                .bar = 1};
        if (peer) {
          const base::Json request = base::Json::object()
                                         .set("do", "run")
                                         .set("what", std::string(what))
                                         .set("terms", terms)
                                         .set("data", data)
                                         .set("seeds", seeds);
          row.against("twice PyTorch, NumPy; or 1", reply.at("version").as_string(),
                      std::max(1.0, 2 * peer->ask(request).at("rms").as_double() / kUnit));
        }
        report(std::move(row));
      }
}

}  // namespace strata::bench
