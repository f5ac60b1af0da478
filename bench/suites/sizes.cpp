// One program for all sizes: what a size costs that was never seen, and how far the program stays behind programs that
// know their size. No peer serves any size from one program with kernels of its own; the limits are stated ones.
#include <algorithm>
#include <cmath>
#include <set>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/models/gpt.h"
#include "strata/nn/init.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"

namespace strata::bench {
namespace {

constexpr int64_t kContext = 1024;
constexpr double kLimitUs = 50;
constexpr double kLimitRatio = 1.1;

/// The logits of a GPT's sequences: 12 layers x 256.
struct Forward {
  Tensor operator()(const models::Gpt& model, Tensor ids_BT) const {
    nn::Context context;
    return model(ids_BT, context);
  }
};
using Program = Jitted<Forward>;

Program program_of_all_sizes() {
  return jit(Forward{}, {.name = "gpt_forward", .symbolic_dims = {{.argument = 1, .axis = 1, .name = "T"}}});
}

Tensor sequence(int64_t length) {
  Tensor ids_BT = random_integers(Key(length), {1, length}, 0, 4096, DType::i64);
  ids_BT.evaluate();
  return ids_BT;
}

/// `count` lengths from 1 to the context, about evenly spread by their logarithms.
std::vector<int64_t> lengths(int count) {
  std::set<int64_t> found;
  for (int64_t next = 1, i = 0; i < count; ++i) {
    found.insert(next);
    const double ideal = std::pow(static_cast<double>(kContext), static_cast<double>(i + 1) / (count - 1));
    next = std::min(kContext, std::max(next + 1, static_cast<int64_t>(std::llround(ideal))));
  }
  return {found.begin(), found.end()};
}

/// Microseconds of a binding: with a length that the program has not met, and with one that it has.
struct BindingCost {
  double unseen_us, seen_us;
};
BindingCost binding_cost(const runtime::Executable& program, int rounds) {
  std::vector<std::vector<int64_t>> shapes;
  size_t of_ids = 0;
  for (const ir::Node* p : program.plan().graph->parameters()) {
    std::vector<int64_t> shape;
    for (Dim d : p->type().shape()) shape.push_back(d.is_constant() ? d.constant() : 1);
    if (!p->type().is_static()) of_ids = shapes.size();
    shapes.push_back(std::move(shape));
  }
  const auto bind = [&](int64_t length) {
    shapes[of_ids][1] = length;
    return wall_seconds([&] { program.memory_use(shapes); }) * 1e6;
  };
  std::vector<double> unseen, seen;
  for (int64_t length = 500; length < 500 + 40 * rounds; ++length) {
    unseen.push_back(bind(length));
    seen.push_back(bind(length));
  }
  return {median(unseen), median(seen)};
}

}  // namespace

void run_sizes(const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(2);
  models::Gpt model({.layers = 12, .width = 256, .heads = 8, .vocabulary = 4096, .context = kContext});
  nn::init(model, Key(0));
  Program any = program_of_all_sizes();
  any(model, sequence(7)).evaluate();

  const BindingCost cost = binding_cost(*any.executable(), std::min(options.rounds, 10));
  report({.workload = "GPT 12 x 256 forward: a length never seen, beyond one seen",
          .peer = std::string(kStatedLimit),
          .ours = cost.unseen_us - cost.seen_us,
          .theirs = kLimitUs,
          .unit = "us",
          .bar = 1});

  double of_any = 0, of_static = 0;
  for (int64_t length : lengths(32)) {
    const Tensor ids_BT = sequence(length);
    Program one = jit(Forward{}, {.name = "gpt_forward_of_one_length", .is_batch_symbolic = false});
    any(model, ids_BT).evaluate();
    one(model, ids_BT).evaluate();
    const Contestant both[] = {{"any", burst([&] { any(model, ids_BT).evaluate(); }, 2, 0.02)},
                               {"one", burst([&] { one(model, ids_BT).evaluate(); }, 2, 0.02)}};
    const std::vector<double> seconds = contest(both, std::min(options.rounds, 3));
    of_any += seconds[0];
    of_static += seconds[1];
  }
  report({.workload = "GPT 12 x 256 forward of 32 lengths from 1 to 1024, " + std::to_string(any.recordings()) +
                      " recording: sum, against programs of one length each",
          .peer = std::string(kStatedLimit),
          .ours = of_any / of_static,
          .theirs = kLimitRatio,
          .unit = "times static",
          .bar = 1,
          .threads = 2});
}

}  // namespace strata::bench
