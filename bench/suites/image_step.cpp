// Training steps of convolution networks: on small images, where the maps of the last layers have 4 and 16 pixels, and
// on those of ImageNet's size.
#include "bench/workloads/image_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "bench/suites/step_contest.h"
#include "bench/workloads/program_figures.h"

namespace strata::bench {
namespace {

struct Images {
  int64_t count, pixels;
};

template <class Model>
void run_model(const char* name, const char* peer_name, Model model, const Images& images, double bar,
               const SuiteOptions& options, const Report& report) {
  constexpr int kThreads = 2;
  SuiteOptions few = options;
  few.rounds = std::min(options.rounds, 5);
  const ThreadsScope scope(kThreads);
  ImageStep<Model> step(std::move(model), images.count, images.pixels);
  step();
  run_step_contest(
      {.workload = fmt::format("{}, batch {}, {} pixels, SGD with momentum", name, images.count, images.pixels),
       .peer_setup =
           base::Json::object().set("workload", peer_name).set("batch", images.count).set("pixels", images.pixels),
       .ours = burst([&] { step(); }, kThreads),
       .flops = matrix_flops(*step.program(), images.count),
       .bytes = least_bytes(*step.program(), images.count),
       .bar = bar,
       .threads = kThreads},
      few, report);
}

}  // namespace

void run_image_step(const SuiteOptions& options, const Report& report) {
  run_model("ResNet-18", "resnet18", models::ResNet({.depth = 18}), {16, 64}, 1.2, options, report);
  run_model("ResNet-18", "resnet18", models::ResNet({.depth = 18}), {4, 224}, 1, options, report);
  run_model("MobileNetV2", "mobilenet_v2", models::MobileNetV2(), {16, 64}, 1.5, options, report);
}

}  // namespace strata::bench
