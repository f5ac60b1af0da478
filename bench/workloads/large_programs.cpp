#include "bench/workloads/large_programs.h"

#include <vector>

#include "bench/harness/contest.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

/// Each a chain of its own, of one of ten kinds.
std::vector<Tensor> many_outputs(const Tensor& x) {
  std::vector<Tensor> outputs;
  for (int i = 0; i < 3000; ++i) {
    Tensor y = x * (0.5 + i);
    for (int k = 0; k < i % 10; ++k) y = tanh(y) + x;
    outputs.push_back(y);
  }
  return outputs;
}

Tensor many_sines(Tensor x) {
  for (int i = 0; i < 5000; ++i) x = sin(x);
  return sum(x);
}

Tensor many_slices(const Tensor& x) {
  std::vector<Tensor> parts;
  for (int i = 499; i >= 0; --i) parts.push_back(x[i]);
  return concat(parts, 0);
}

template <class F>
base::Json measured(F&& f, const Tensor& x) {
  auto jitted = jit(f);
  const auto run = [&] { return wall_seconds([&] { jitted(x); }); };
  const double first = run(), second = run();
  const ir::Plan& plan = jitted.executable()->plan();
  return base::Json::object()
      .set("seconds", first - second)
      .set("commands", std::ssize(plan.commands))
      .set("kernels", std::ssize(plan.kernels));
}

struct LargeProgram {
  std::string_view name;
  base::Json (*measure)(const Tensor& x);
};
constexpr LargeProgram kPrograms[] = {
    {"outputs_compile", [](const Tensor& x) { return measured(many_outputs, x); }},
    {"sines_compile", [](const Tensor& x) { return measured([](const Tensor& x) { return grad(many_sines, x); }, x); }},
    {"slices_compile", [](const Tensor& x) { return measured(many_slices, x); }},
};

}  // namespace

std::optional<base::Json> measure_large_program(std::string_view name) {
  for (const LargeProgram& p : kPrograms)
    if (p.name == name) return p.measure(normal(Key(1), {500, 16}));
  return std::nullopt;
}

}  // namespace strata::bench
