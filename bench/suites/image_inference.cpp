// Networks for images in evaluation mode, one image at a time, against ONNX Runtime, which folds norms into weights,
// and against PyTorch, eager and compiled: the best of them counts. Ours with the batch as a number and as a symbol,
// and with the convolutions of 3 x 3 by Winograd, which a user asks for by name.
#include <fmt/format.h>

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/models/mobilenet.h"
#include "strata/models/resnet.h"
#include "strata/nn/context.h"
#include "strata/nn/init.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"

namespace strata::bench {
namespace {

constexpr int64_t kPixels = 224;
constexpr const char* kModes[] = {"ONNX Runtime", "torch.compile", "eager"};

template <class Model>
struct Classify {
  Tensor operator()(const Model& model, Tensor x_BCHW) const {
    nn::Context evaluation;
    return model(x_BCHW, evaluation);
  }
};

struct Entry {
  std::string name;
  std::function<void()> run;
  double bar;
};

template <class Model>
Entry entry(std::string name, const Model& model, const Tensor& x_BCHW, bool is_batch_symbolic, double bar,
            ConvAlgorithm algorithm = ConvAlgorithm::Direct) {
  auto classify = jit(Classify<Model>{}, {.name = "inference",
                                          .is_batch_symbolic = is_batch_symbolic,
                                          .constants = {0},
                                          .algorithms = {.conv = algorithm}});
  return {std::move(name), [=]() mutable { classify(model, x_BCHW).evaluate(); }, bar};
}

void run_entries(const char* peer_name, std::vector<Entry> entries, int threads, const SuiteOptions& options,
                 const Report& report) {
  const ThreadsScope scope(threads);
  base::Json reply;
  std::unique_ptr<Peer> peer;
  if (options.with_peers)
    peer = python_peer(
        "inference_peer.py",
        base::Json::object().set("workload", peer_name).set("batch", 1).set("pixels", kPixels).set("threads", threads),
        reply);
  std::vector<Contestant> contestants;
  for (const Entry& e : entries) {
    e.run();
    contestants.push_back({e.name, burst(e.run, threads)});
  }
  for (const char* mode : kModes)
    if (peer)
      contestants.push_back({mode, [&peer, mode] { return peer->run(base::Json::object().set("mode", mode)); }});
  const std::vector<double> seconds = contest(contestants, options.rounds);
  const auto ours = static_cast<std::ptrdiff_t>(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    Row row{
        .workload = entries[i].name, .ours = seconds[i] * 1e3, .unit = "ms", .bar = entries[i].bar, .threads = threads};
    if (peer) {
      const auto best = std::min_element(seconds.begin() + ours, seconds.end()) - seconds.begin();
      const std::string& name = contestants[static_cast<size_t>(best)].name;
      const bool is_onnx = name == kModes[0];
      row.against(is_onnx ? name : "PyTorch, " + name,
                  reply.at("versions").at(is_onnx ? "ONNX Runtime" : "PyTorch").as_string(),
                  seconds[static_cast<size_t>(best)] * 1e3);
    }
    report(std::move(row));
  }
}

template <class Model>
Model started(Model model) {
  nn::init(model, Key(0));
  return model;
}

}  // namespace

void run_image_inference(const SuiteOptions& options, const Report& report) {
  const Tensor x_BCHW = normal(Key(1), {1, 3, kPixels, kPixels}).evaluate();
  const auto resnet = started(models::ResNet({.depth = 50}));
  const auto mobilenet = started(models::MobileNetV2());
  for (const int threads : {2, 1}) {
    run_entries("resnet50",
                {entry("ResNet-50, 224 pixels, batch 1", resnet, x_BCHW, false, 0.97),
                 entry("ResNet-50, symbolic batch of 1", resnet, x_BCHW, true, 0.97),
                 entry("ResNet-50 by Winograd, batch 1", resnet, x_BCHW, false, 1.2, ConvAlgorithm::WinogradF4x3)},
                threads, options, report);
    run_entries("mobilenet_v2",
                {entry("MobileNetV2, 224 pixels, batch 1", mobilenet, x_BCHW, false, 1.1),
                 entry("MobileNetV2, symbolic batch of 1", mobilenet, x_BCHW, true, 1.1)},
                threads, options, report);
  }
}

}  // namespace strata::bench
