// Contractions and reductions as compiled by the loop schedules alone, without graph or runtime around them: cubes
// against oneDNN's matmul, interleaved in one process; shapes of LeNet and of a small GPT in GF/s and share of the
// peak.
//
//   strata_gemm [filter] [--dump name]     STRATA_ISA and ONEDNN_MAX_CPU_ISA choose the instruction sets of both sides
//
// Rows of JSON on stdout: medians of bursts; a ratio above 1 means that ours is faster.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <dnnl.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/ir/loops/text_form.h"
#include "strata/ops/elementwise.h"
#include "strata/ops/reduce.h"
#include "strata/ops/shape.h"
#include "strata/runtime/machine/isa_level.h"
#include "strata/runtime/machine/peaks.h"

namespace {

using namespace strata;
struct Memory {
  std::vector<std::unique_ptr<float, void (*)(void*)>> buffers;
  std::vector<void*> pointers;
  float* add(int64_t elements) {
    auto* p = static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>((elements * 4 + 4095) / 64 * 64)));
    for (int64_t i = 0; i < elements; ++i) p[i] = static_cast<float>((i * 7919) % 1013) / 1013.0f - 0.5f;
    buffers.emplace_back(p, std::free);
    pointers.push_back(p);
    return p;
  }
};

/// A kernel of constant shapes, scheduled and compiled, with memory to run on.
class Ours {
 public:
  explicit Ours(const std::string& text, bool dump = false) : Ours(ir::loops::parse_kernel(text).value(), dump) {}
  explicit Ours(const ir::loops::Kernel& naive, bool dump = false) {
    const auto level = runtime::chosen_isa_level();
    std::vector<std::string> notes;
    const auto kernel = compiler::schedule(naive, level, &notes);
    const ir::loops::Kernel* const kernels[] = {&kernel};
    compiler::llvm_backend::CompileTimes times;
    loaded_ = generator().load(generator().compile(kernels, level, &times));
    compile_ms = times.total_ms();
    if (dump) {
      for (const std::string& line : notes) fmt::print(stderr, "{}\n", line);
      fmt::print(stderr, "{}\n{}\n", ir::loops::print(kernel),
                 generator().listing(kernels, level, compiler::llvm_backend::Listing::Assembly));
    }
    kernel_ = loaded_->find(kernel.name);
    kernel_.needs(nullptr, &needs_);
    for (const auto* buffer : kernel.params) {
      memory.add(ir::product(buffer->shape).constant());
      bytes += ir::product(buffer->shape).constant() * ir::dtype_bytes(buffer->dtype);
    }
    const int threads = base::ThreadPool::shared().thread_count();
    scratch_.resize(static_cast<size_t>(threads));
    for (auto& s : scratch_) s.add(needs_.scratch_bytes / 4 + 64);
  }
  void run(int threads) {
    auto range = [&](base::TaskRange r) {
      runtime::KernelStatus status;
      runtime::KernelContext context{&status,
                                     static_cast<std::byte*>(scratch_[static_cast<size_t>(r.slot)].pointers[0])};
      kernel_.run(&context, memory.pointers.data(), nullptr, r.begin, r.end);
    };
    if (threads == 1)
      range({0, needs_.tasks, 0});
    else
      base::ThreadPool::shared().run(needs_.tasks, range);
  }
  int64_t tasks() const { return needs_.tasks; }
  Memory memory;
  double compile_ms = 0;
  int64_t bytes = 0;  ///< of all parameters

 private:
  static compiler::llvm_backend::CodeGenerator& generator() {
    static compiler::llvm_backend::CodeGenerator made;
    return made;
  }
  std::shared_ptr<const compiler::LoadedObject> loaded_;
  compiler::LoadedKernel kernel_;
  runtime::KernelNeeds needs_;
  std::vector<Memory> scratch_;
};

class Theirs {
 public:
  Theirs(int64_t m, int64_t n, int64_t k)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        a_(of({m, k}), engine_),
        b_(of({k, n}), engine_),
        c_(of({m, n}), engine_),
        matmul_(dnnl::matmul::primitive_desc(dnnl::matmul::desc(of({m, k}), of({k, n}), of({m, n})), engine_)) {
    for (auto* memory : {&a_, &b_}) {
      auto* p = static_cast<float*>(memory->get_data_handle());
      for (size_t i = 0; i < memory->get_desc().get_size() / 4; ++i)
        p[i] = static_cast<float>((i * 7919) % 1013) / 1013.0f - 0.5f;
    }
  }
  void run() {
    matmul_.execute(stream_, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    stream_.wait();
  }

 private:
  static dnnl::memory::desc of(dnnl::memory::dims dims) {
    return {dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab};
  }
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::memory a_, b_, c_;
  dnnl::matmul matmul_;
};

/// Wall time, or with STRATA_BENCH_CPU=1 this thread's CPU time: for one thread beside strangers on the machine.
double now() {
  static const bool by_cpu = std::getenv("STRATA_BENCH_CPU") != nullptr;
  timespec t{};
  clock_gettime(by_cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double seconds(const std::function<void()>& f, double at_least) {
  int count = 0;
  const double start = now();
  double spent = 0;
  for (; spent < at_least || count < 2; ++count) {
    f();
    spent = now() - start;
  }
  return spent / count;
}

/// STRATA_BENCH_CPU measures one thread only.
std::vector<int> thread_counts() {
  return std::getenv("STRATA_BENCH_CPU") ? std::vector<int>{1} : std::vector<int>{1, 2};
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<int64_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

std::string dot(int64_t m, int64_t n, int64_t k, const std::string& form) {
  const bool ta = form[0] == 'T', tb = form[1] == 'T';
  return fmt::format(R"(kernel @dot(%x: f32[{},{}], %w: f32[{},{}]) -> (%y: f32[{},{}]) {{
    parallel i in 0..{} {{ vector j in 0..{} {{ var acc: f32 = 0.0
      for k in 0..{} {{ acc = fma(%x[{}], %w[{}], acc) }}
      %y[i,j] = acc }} }} }})",
                     ta ? k : m, ta ? m : k, tb ? n : k, tb ? k : n, m, n, m, n, k, ta ? "k,i" : "i,k",
                     tb ? "j,k" : "k,j");
}

/// Stride 1. `swap` reads images as [channels, batch] and writes so: the form of a weight's gradient.
std::string conv(int64_t batch, int64_t in, int64_t out, int64_t h, int64_t window, int64_t pad) {
  const int64_t t = h + 2 * pad - window + 1;
  return fmt::format(
      R"(kernel @conv(%x: f32[{0},{1},{3},{3}], %w: f32[{2},{1},{4},{4}]) -> (%y: f32[{0},{2},{6},{6}]) {{
    parallel o in 0..{2} {{ for n in 0..{0} {{ for h in 0..{6} {{ vector v in 0..{6} {{ var acc: f32 = 0.0
      for c in 0..{1} {{ for p in 0..{4} {{ for q in 0..{4} {{
        acc = fma(%w[o,c,p,q], select(and(and(le(0, h + p - {5}), lt(h + p - {5}, {3})), and(le(0, v + q - {5}), lt(v + q - {5}, {3}))),
          %x[n,c,max(0, min(h + p - {5}, {3} - 1)),max(0, min(v + q - {5}, {3} - 1))], 0.0), acc) }} }} }}
      %y[n,o,h,v] = acc }} }} }} }} }})",
      batch, in, out, h, window, pad, t);
}

/// dw[o,c,p,q] = sum over n, h, v of ct[n,o,h,v] * x[n,c,h+p-pad,v+q-pad]
std::string conv_weight(int64_t batch, int64_t in, int64_t out, int64_t h, int64_t window, int64_t pad) {
  const int64_t t = h + 2 * pad - window + 1;
  return fmt::format(
      R"(kernel @convw(%x: f32[{0},{1},{3},{3}], %g: f32[{0},{2},{6},{6}]) -> (%y: f32[{2},{1},{4},{4}]) {{
    parallel o in 0..{2} {{ for c in 0..{1} {{ for p in 0..{4} {{ vector q in 0..{4} {{ var acc: f32 = 0.0
      for n in 0..{0} {{ for h in 0..{6} {{ for v in 0..{6} {{
        acc = fma(%g[n,o,h,v], select(and(and(le(0, h + p - {5}), lt(h + p - {5}, {3})), and(le(0, v + q - {5}), lt(v + q - {5}, {3}))),
          %x[n,c,max(0, min(h + p - {5}, {3} - 1)),max(0, min(v + q - {5}, {3} - 1))], 0.0), acc) }} }} }}
      %y[o,c,p,q] = acc }} }} }} }} }})",
      batch, in, out, h, window, pad, t);
}

/// Elementwise ops and reductions of [4096, 256]: a GPT's activations. GB/s of what goes in and out.
void measure_pointwise(const std::string& filter, bool dump) {
  using ir::Value;
  const auto f32 = [](std::vector<ir::Dim> shape) { return ir::Type::of(ir::DType::f32, shape); };
  const std::vector<std::pair<std::string, std::function<Value(Value)>>> cases = {
      {"add", [](Value x) { return ops::add(x, x); }},
      {"exp", [](Value x) { return ops::exp(x); }},
      {"tanh", [](Value x) { return ops::tanh(x); }},
      {"erf", [](Value x) { return ops::erf(x); }},
      {"sum_rows", [](Value x) { return ops::reduce_sum(x, {1}); }},
      {"max_rows", [](Value x) { return ops::reduce_max(x, {1}); }},
      {"sum_columns", [](Value x) { return ops::reduce_sum(x, {0}); }},
      {"sum_all", [](Value x) { return ops::reduce_sum(x, {0, 1}); }},
      {"transpose", [](Value x) { return ops::transpose(x, {1, 0}); }},
      {"broadcast",
       [](Value x) { return ops::broadcast_to(ops::slice(x, {{0, 1}}), std::vector<ir::Dim>{4096, 256}); }},
  };
  for (const auto& [name, make] : cases) {
    if (name.find(filter) == std::string::npos) continue;
    ir::Graph graph;
    const Value result = make(graph.add_parameter(f32({4096, 256})));
    Ours ours(compiler::lower_kernel(*result.node, graph.facts(), name), dump);
    fmt::print("{:34} tasks {:4} compile {:6.1f} ms", name, ours.tasks(), ours.compile_ms);
    for (int threads : thread_counts()) {
      std::vector<double> t;
      ours.run(threads);
      for (int i = 0; i < 9; ++i) t.push_back(seconds([&] { ours.run(threads); }, 0.01));
      fmt::print("  {}T {:8.1f} us {:6.1f} GB/s", threads, median(t) * 1e6,
                 static_cast<double>(ours.bytes) / median(t) / 1e9);
    }
    fmt::print("\n");
  }
}

/// Scores (NT) or their product with the values (NN) of 96 heads of 64 over 256 positions.
std::string attention(bool scores) {
  return fmt::format(R"(kernel @attention(%p: f32[96,256,{0}], %q: f32[96,256,64]) -> (%y: f32[96,256,{1}]) {{
    parallel b in 0..96 {{ for i in 0..256 {{ vector j in 0..{1} {{ var acc: f32 = 0.0
      for k in 0..{0} {{ acc = fma(%p[b,i,k], %q[b,{2}], acc) }}
      %y[b,i,j] = acc }} }} }} }})",
                     scores ? 64 : 256, scores ? 256 : 64, scores ? "j,k" : "k,j");
}

struct Shape {
  std::string name, text;
  double operations;
};

void contest(int64_t n, double peak_1, double peak_all, bool dump) {
  Ours ours(dot(n, n, n, "NN"), dump);
  Theirs theirs(n, n, n);
  const double work = 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  for (int threads : thread_counts()) {
    omp_set_num_threads(threads);
    std::vector<double> a, b;
    const double burst = std::max(0.02, work / 1e12);
    ours.run(threads);
    theirs.run();
    for (int i = 0; i < 15; ++i) {
      a.push_back(seconds([&] { ours.run(threads); }, burst));
      base::ParkedScope parked(base::ThreadPool::shared());
      b.push_back(seconds([&] { theirs.run(); }, burst));
    }
    const double mine = work / median(a) / 1e9, other = work / median(b) / 1e9;
    const auto* v = dnnl_version();
    fmt::print(
        R"({{"suite":"gemm_kernels","workload":"f32 {0}^3 {1}","peer":"onednn","peer_version":"{2}.{3}.{4}","cpu":"{5}","ours":{6:.1f},"theirs":{7:.1f},"unit":"GF/s","ratio":{8:.3f},"bar":0.9,"limit_fraction":{9:.3f},"threads":{10}}})"
        "\n",
        n, runtime::isa_level_name(runtime::chosen_isa_level()), v->major, v->minor, v->patch, runtime::cpu_brand(),
        mine, other, mine / other, mine / (threads == 1 ? peak_1 : peak_all), threads);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string filter = argc > 1 ? argv[1] : "";
  const bool dump = argc > 2;
  const auto level = runtime::chosen_isa_level();
  const auto peaks = runtime::measure_peaks(level);
  fmt::print(stderr, "{} {}: peak {:.0f} / {:.0f} GF/s, memory {:.1f} / {:.1f} GB/s\n", runtime::cpu_brand(),
             runtime::isa_level_name(level), peaks.fma_gflops, peaks.fma_gflops_all_threads, peaks.memory_gbytes_per_s,
             peaks.memory_gbytes_per_s_all_threads);
  for (int64_t n : {256, 512, 1024, 2048})
    if (fmt::format("cube{}", n).find(filter) != std::string::npos)
      contest(n, peaks.fma_gflops, peaks.fma_gflops_all_threads, dump);
  std::vector<Shape> shapes;
  const auto add_dot = [&](const std::string& name, int64_t m, int64_t n, int64_t k, const char* form) {
    shapes.push_back({fmt::format("{} {}x{}x{} {}", name, m, n, k, form), dot(m, n, k, form),
                      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k)});
  };
  for (int64_t n : {256, 768, 1024, 4096}) {
    add_dot("gpt", 4096, n, 256, "NT");
    add_dot("gpt_dx", 4096, 256, n, "NN");
    add_dot("gpt_dw", n, 256, 4096, "TN");
  }
  add_dot("gpt_down", 4096, 256, 1024, "NT");
  add_dot("mlp", 64, 128, 784, "NT");
  add_dot("mlp_dw", 128, 784, 64, "TN");
  add_dot("head", 64, 10, 84, "NT");
  add_dot("matvec", 1, 4096, 1024, "NT");
  const double attended = 2.0 * 96 * 256 * 256 * 64;
  shapes.push_back({"attention_scores", attention(true), attended});
  shapes.push_back({"attention_values", attention(false), attended});
  const auto flops = [](int64_t b, int64_t i, int64_t o, int64_t t, int64_t k) {
    return 2.0 * static_cast<double>(b * i * o * t * t * k * k);
  };
  shapes.push_back({"lenet_c1", conv(64, 1, 6, 28, 5, 2), flops(64, 1, 6, 28, 5)});
  shapes.push_back({"lenet_c2", conv(64, 6, 16, 14, 5, 0), flops(64, 6, 16, 10, 5)});
  shapes.push_back({"lenet_c2_dx", conv(64, 16, 6, 10, 5, 4), flops(64, 16, 6, 14, 5)});
  shapes.push_back({"lenet_c1_dw", conv_weight(64, 1, 6, 28, 5, 2), flops(64, 1, 6, 28, 5)});
  shapes.push_back({"lenet_c2_dw", conv_weight(64, 6, 16, 14, 5, 0), flops(64, 6, 16, 10, 5)});
  for (const Shape& shape : shapes) {
    if (shape.name.find(filter) == std::string::npos) continue;
    Ours ours(shape.text, dump);
    fmt::print("{:34} tasks {:4} compile {:6.1f} ms", shape.name, ours.tasks(), ours.compile_ms);
    for (int threads : thread_counts()) {
      std::vector<double> t;
      ours.run(threads);
      for (int i = 0; i < 9; ++i) t.push_back(seconds([&] { ours.run(threads); }, 0.01));
      const double s = median(t);
      fmt::print("  {}T {:8.1f} us {:6.1f} GF/s {:3.0f} %", threads, s * 1e6, shape.operations / s / 1e9,
                 100 * shape.operations / s / 1e9 / (threads == 1 ? peaks.fma_gflops : peaks.fma_gflops_all_threads));
    }
    fmt::print("\n");
    std::fflush(stdout);
  }
  measure_pointwise(filter, dump);
  return 0;
}
