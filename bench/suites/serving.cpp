// One compiled program that serves from several threads: a ResNet-50 on one image at a time, each thread on one core,
// over one copy of the weights. And products of few rows, whose weights lie ready. No peer shares one program so; the
// limits are stated ones.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/models/gpt.h"
#include "strata/models/resnet.h"
#include "strata/nn/init.h"
#include "strata/nn/linear.h"
#include "strata/ops/list.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/prepared.h"
#include "strata/runtime/execute/run_context.h"
#include "strata/runtime/program/program_file.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/recording/recording.h"

namespace strata::bench {
namespace {

constexpr int kThreads = 2, kImagesAThread = 3;
constexpr double kScalingLimit = 1.8, kResidentLimit = 1.1;

/// The logits of images.
struct Classify {
  Tensor operator()(const models::ResNet& model, Tensor x_BCHW) const {
    nn::Context evaluation;
    return model(x_BCHW, evaluation);
  }
};

template <class Model>
std::vector<HostArray> arrays_of(const Model& model) {
  std::vector<HostArray> arrays;
  for (const Leaf& leaf : leaves_of(model).list) arrays.push_back(leaf.tensor().cell()->array);
  return arrays;
}

/// Seconds of an image where `threads` of them run the program at the same time.
double seconds_an_image(const runtime::Executable& program, const std::vector<HostArray>& arguments, int threads) {
  std::vector<std::unique_ptr<runtime::RunContext>> contexts;
  for (int t = 0; t < threads; ++t) contexts.push_back(std::make_unique<runtime::RunContext>(1));
  const auto serve = [&](int t) {
    for (int i = 0; i < kImagesAThread; ++i) program.run(std::vector(arguments), *contexts[t]);
  };
  const double seconds = wall_seconds([&] {
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(serve, t);
    serve(0);
    for (std::thread& other : others) other.join();
  });
  return seconds / (threads * kImagesAThread);
}

/// Bytes of the weights and of what was prepared of them; those that were handed over have no bytes of their own.
int64_t resident_bytes(const std::vector<HostArray>& weights, int64_t prepared_before) {
  int64_t bytes = runtime::prepared_bytes() - prepared_before;
  for (const HostArray& w : weights)
    if (!runtime::is_handed_over(w)) bytes += w.bytes();
  return bytes;
}

void run_resnet(const SuiteOptions& options, const Report& report) {
  models::ResNet model({.depth = 50});
  nn::init(model, Key(0));
  const Tensor x_BCHW = normal(Key(1), {1, 3, 224, 224}).evaluate();
  auto classify = jit(Classify{}, {.name = "resnet50", .constants = {0}});
  const int64_t prepared_before = runtime::prepared_bytes();
  classify(model, x_BCHW).evaluate();
  int64_t plain_bytes = 0;
  for (const HostArray& w : arrays_of(model)) plain_bytes += w.bytes();
  classify.hand_over(model, x_BCHW);
  std::vector<HostArray> arguments = arrays_of(model);
  const double resident = resident_bytes(arguments, prepared_before);
  arguments.push_back(x_BCHW.array());

  const std::shared_ptr<const runtime::Executable> program = classify.executable();
  double one = std::numeric_limits<double>::infinity(), two = one;
  warn_if_busy();
  for (int round = 0; round < options.rounds; ++round) {
    one = std::min(one, seconds_an_image(*program, arguments, 1));
    two = std::min(two, seconds_an_image(*program, arguments, kThreads));
  }
  report({.workload = "ResNet-50, 224 pixels, batch 1: one program, two threads against one",
          .peer = "one thread",
          .ours = two * 1e3,
          .theirs = one * 1e3,
          .unit = "ms",
          .bar = kScalingLimit,
          .threads = kThreads});
  report({.workload = "ResNet-50: resident bytes of the weights, prepared forms included, to plain bytes",
          .peer = std::string(kStatedLimit),
          .ours = resident / static_cast<double>(plain_bytes),
          .theirs = kResidentLimit,
          .unit = "",
          .bar = 1});
}

struct Layers {
  std::vector<nn::Linear> layers;
  STRATA_FIELDS(layers)
  Tensor operator()(const Tensor& x_BI) const {
    Tensor h = x_BI;
    for (const nn::Linear& layer : layers) h = layer(h);
    return h;
  }
};

/// A few rows through layers whose weights are packed in each run, and through the same where they lie ready.
void run_few_rows(const SuiteOptions& options, const Report& report) {
  const ThreadsScope scope(1);
  constexpr int64_t kWidth = 1024;
  Layers model;
  for (int i = 0; i < 4; ++i) model.layers.push_back(nn::Linear{kWidth, kWidth});
  nn::init(model, Key(0));
  auto plain = jit([](const Layers& m, Tensor x_BI) { return m(x_BI); }, {.name = "layers"});
  auto ready = jit([](const Layers& m, Tensor x_BI) { return m(x_BI); }, {.name = "layers", .constants = {0}});
  for (const int64_t rows : {1, 4, 64}) {
    const Tensor x_BI = normal(Key(1), {rows, kWidth}).evaluate();
    const Contestant sides[] = {{"ready", burst([&] { ready(model, x_BI).evaluate(); }, 1)},
                                {"plain", burst([&] { plain(model, x_BI).evaluate(); }, 1)}};
    const std::vector<double> seconds = contest(sides, options.rounds);
    report({.workload = fmt::format("4 layers of {0} x {0}, {1} rows: weights in panels", kWidth, rows),
            .peer = "packed in each run",
            .ours = seconds[0] * 1e3,
            .theirs = seconds[1] * 1e3,
            .unit = "ms",
            .bar = 1});
  }
}

/// A program file of a GPT's forward: from the file to the first answer, without the compiler.
void run_program_file(const Report& report) {
  constexpr int kLoads = 30;
  constexpr double kLimitMs = 5;
  const models::GptConfig size{.layers = 6, .width = 256, .heads = 8, .vocabulary = 4096, .context = 256};
  models::Gpt model(size);
  nn::init(model, Key(0));
  auto forward = jit(
      [](const models::Gpt& m, Tensor ids_BT) {
        nn::Context evaluation;
        return m(ids_BT, evaluation);
      },
      {.name = "gpt", .symbolic_dims = {{.argument = 1, .axis = 1, .name = "T"}}});
  const Tensor ids_BT = random_integers(Key(1), {1, 8}, 0, size.vocabulary, DType::i64).evaluate();
  forward(model, ids_BT).evaluate();
  const base::TempFolder folder("bench-program-file");
  const std::string file = folder.path() + "/gpt.strata";
  runtime::write_program(file, *forward.executable());
  std::vector<HostArray> arguments = arrays_of(model);
  arguments.push_back(ids_BT.array());
  double best = std::numeric_limits<double>::infinity();
  for (int load = 0; load < kLoads; ++load) {
    runtime::ProgramFile loaded;  // is given up outside of the time
    best = std::min(best, wall_seconds([&] {
                      loaded = runtime::read_program(file, {.ops = ops::op_table()});
                      loaded.program->run(std::vector(arguments));
                    }));
  }
  report({.workload = "a program file of GPT 6 x 256: load it and answer 8 tokens, least of 30",
          .peer = std::string(kStatedLimit),
          .ours = best * 1e3,
          .theirs = kLimitMs,
          .unit = "ms",
          .bar = 1,
          .threads = 2});
}

}  // namespace

void run_serving(const SuiteOptions& options, const Report& report) {
  run_few_rows(options, report);
  run_program_file(report);
  run_resnet(options, report);
}

}  // namespace strata::bench
