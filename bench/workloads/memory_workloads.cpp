#include "bench/workloads/memory_workloads.h"

#include <algorithm>

#include "bench/harness/peak_memory.h"
#include "bench/workloads/gpt_step.h"
#include "bench/workloads/image_step.h"
#include "bench/workloads/lenet_step.h"
#include "bench/workloads/lstm_step.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/composites/norm.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

using Tensors = std::vector<Tensor>;
using base::Json;

constexpr int kThreads = 2;
constexpr std::string_view kPrefix = "memory_";

template <class Step, class... Args>
std::function<std::function<void()>()> steps_of(Args... args) {
  return [=]() -> std::function<void()> {
    auto step = std::make_shared<Step>(args...);
    return [step] { (*step)(); };
  };
}

MemoryWorkload gpt_workload(std::string name, std::string text, GptSize size) {
  return {.name = std::move(name),
          .text = std::move(text),
          .peer_script = "torch_step.py",
          .peer_setup = torch_setup(size),
          .peer_run = Json::object().set("steps", 2),
          .make = steps_of<GptStep>(size)};
}

template <class Model>
MemoryWorkload image_workload(const char* name, const char* text, const Model& model) {
  constexpr int64_t kBatch = 16, kPixels = 64;
  return {
      .name = name,
      .text = std::string(text) + ", batch 16, 64 pixels",
      .peer_script = "torch_step.py",
      .peer_setup = Json::object().set("workload", name).set("batch", kBatch).set("pixels", kPixels).set("only", true),
      .peer_run = Json::object().set("steps", 2),
      .make = steps_of<ImageStep<Model>>(model, kBatch, kPixels)};
}

using Function = Tensor (*)(const Tensors&);

/// A function's value, or its gradients for a cotangent.
std::function<std::function<void()>()> calls_of(Function f, std::vector<Shape> shapes, bool with_gradient) {
  return [=]() -> std::function<void()> {
    Tensors arguments;
    for (size_t i = 0; i < shapes.size(); ++i) arguments.push_back(normal(Key(i + 1), shapes[i]).evaluate());
    if (!with_gradient)
      return [arguments, forward = jit([f](const Tensors& a) { return f(a); })]() mutable {
        forward(arguments).evaluate();
      };
    const Tensor dy = normal(Key(9), shapes[0]).evaluate();
    auto both = jit([f](const Tensors& a, Tensor dy) { return vjp(f, a, dy).second; });
    return [arguments, dy, both]() mutable {
      for (const Tensor& t : both(arguments, dy)) t.evaluate();
    };
  };
}

void add_attention(std::vector<MemoryWorkload>& list) {
  constexpr int64_t kHeads = 12, kDepth = 64, kLength = 2048;
  const Function attend = [](const Tensors& a) {
    return attention(a[0], a[1], a[2], std::optional<Tensor>(), {.is_causal = true});
  };
  for (const bool with_gradient : {false, true})
    list.push_back(
        {.name = with_gradient ? "attention_gradient" : "attention",
         .text = std::string("attention, T = 2048") + (with_gradient ? ", with gradient" : ""),
         .peer_script = "attention_peer.py",
         .peer_setup =
             Json::object().set("heads", kHeads).set("length", kLength).set("depth", kDepth).set("soft_cap", 0.0),
         .peer_run = Json::object().set("gradient", with_gradient),
         .make = calls_of(attend, std::vector<Shape>(3, {1, kHeads, kLength, kDepth}), with_gradient)});
}

void add_rows(std::vector<MemoryWorkload>& list) {
  constexpr int64_t kRows = 4096, kWidth = 1024;
  struct Kernel {
    const char *name, *peer;
    Function f;
    size_t arguments;
  };
  constexpr Kernel kKernels[] = {
      {"softmax", "softmax", [](const Tensors& a) { return softmax(a[0], -1); }, 1},
      {"gelu", "GELU", [](const Tensors& a) { return gelu(a[0]); }, 1},
      {"layer_norm", "LayerNorm", [](const Tensors& a) { return layer_norm<Tensor>(a[0], a[1], a[2]); }, 3},
  };
  for (const Kernel& k : kKernels) {
    std::vector<Shape> shapes{{kRows, kWidth}};
    shapes.resize(k.arguments, {kWidth});
    list.push_back({.name = k.name,
                    .text = std::string(k.peer) + " [4096, 1024], with gradient",
                    .peer_script = "rows_peer.py",
                    .peer_setup = Json::object().set("what", k.peer).set("rows", kRows).set("width", kWidth),
                    .peer_run = Json::object().set("gradient", true),
                    .make = calls_of(k.f, shapes, true)});
  }
}

}  // namespace

std::vector<MemoryWorkload> memory_workloads() {
  GptSize gpt2 = gpt2_size();
  gpt2.batch = 1;
  gpt2.length = 512;
  std::vector<MemoryWorkload> list = {
      gpt_workload("gpt2", "GPT-2 124M step, 1 x 512", gpt2),
      gpt_workload("gpt", "GPT 6 x 256 step, 16 x 256", GptSize()),
      image_workload("resnet18", "ResNet-18 step", models::ResNet({.depth = 18})),
      image_workload("mobilenet_v2", "MobileNetV2 step", models::MobileNetV2()),
      {.name = "lstm",
       .text = "LSTM 256 step, 100 steps, batch 16",
       .peer_script = "torch_step.py",
       .peer_setup =
           Json::object().set("workload", "lstm").set("batch", 16).set("steps_of_sequence", 100).set("width", 256),
       .peer_run = Json::object().set("steps", 2),
       .make = steps_of<LstmStep>(LstmSize())},
      {.name = "lenet",
       .text = "LeNet-5 step, batch 64",
       .peer_script = "torch_step.py",
       .peer_setup = Json::object().set("workload", "lenet").set("batch", 64),
       .peer_run = Json::object().set("steps", 2),
       .make = steps_of<LeNetStep>(int64_t{64})}};
  add_attention(list);
  add_rows(list);
  for (MemoryWorkload& w : list) w.peer_setup.set("threads", kThreads);
  return list;
}

bool is_memory_measurement(const std::string& name) { return name.starts_with(kPrefix); }

Json measure_memory(const std::string& measurement) {
  const std::string name = measurement.substr(kPrefix.size());
  for (const MemoryWorkload& w : memory_workloads())
    if (w.name == name) return Json::object().set("bytes", peak_memory_of(w.make));
  throw base::Error(base::code::kCommandLine, "there is no measurement '" + measurement + "'");
}

}  // namespace strata::bench
