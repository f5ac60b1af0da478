// Products of narrow numbers: bytes with a fused requantisation and bf16, against oneDNN; and 1 to 8 rows by weights of
// 4096 x 4096 that lie ready, in f32, bf16, bytes and blocks of 4 and 8 bits, against what the machine allows.
//
// The limit of few rows is the slower of two: 0.9 of the rate at which a loop that only reads goes through as many
// bytes as the weights have, in turns with the product; and 0.8 of the rate of the instructions of the inner loop,
// decoding included, where each takes the time of an FMA. Weights of 4 and 8 bits lie in the last cache for both sides.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "bench/harness/contest.h"
#include "bench/harness/machine_limits.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/composites/quantise.h"
#include "strata/ops/contraction/block_dot.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"

namespace strata::bench {
namespace {

/// A layer of bytes: y = clamp(round(f32(x w + bias) * w_scale * x_scale / y_scale)) + y_zero.
struct ByteLayer {
  Tensor w_KN, w_scale_N, bias_N, x_scale, y_scale, y_zero;
  STRATA_FIELDS(w_KN, w_scale_N, bias_N, x_scale, y_scale, y_zero)

  explicit ByteLayer(int64_t n)
      : w_KN(random_integers(Key(1), {n, n}, -128, 128, DType::i8).evaluate()),
        w_scale_N(uniform(Key(2), {n}, 0.5, 1.5).evaluate()),
        bias_N(random_integers(Key(3), {n}, -1000, 1000, DType::i32).evaluate()),
        x_scale(Tensor::scalar(1e-3)),
        y_scale(Tensor::scalar(10)),
        y_zero(Tensor::scalar(128, DType::u8)) {}
  Tensor operator()(const Tensor& x_MK) const {
    return qlinear_matmul<Tensor>({x_MK, x_scale}, {w_KN, w_scale_N}, bias_N, y_scale, y_zero);
  }
};

/// A matrix that is multiplied as it is.
struct Weights {
  Tensor w;
  STRATA_FIELDS(w)
};

struct FourBits {
  Tensor w_NK, scale_N;
  STRATA_FIELDS(w_NK, scale_N)
};

Tensor bytes(int64_t rows, int64_t columns) {
  return random_integers(Key(7), {rows, columns}, 0, 256, DType::u8).evaluate();
}

constexpr int kByteForm = 1, kHalfForm = 2;  // of the peer

struct Against {
  Peer* peer;
  std::string version;
};

/// `result_bytes`: of an element of the result; those of the factors are 1 for bytes and 2 for half floats.
void report_product(std::string workload, int64_t n, int form, int64_t result_bytes, double bar, int threads,
                    const Against& against, const std::function<void()>& ours, const SuiteOptions& options,
                    const Report& report) {
  std::vector<Contestant> contestants = {{"strata", burst(ours, threads)}};
  if (against.peer)
    contestants.push_back({"oneDNN", [&] {
                             return against.peer->run(
                                 base::Json::object().set("m", n).set("n", n).set("k", n).set("form", form));
                           }});
  const std::vector<double> seconds = contest(contestants, options.rounds);
  const double giga = 2e-9 * static_cast<double>(n * n * n);
  Row row{.workload = std::move(workload),
          .ours = giga / seconds[0],
          .unit = "GOP/s",
          .better = Better::Higher,
          .bar = bar,
          .threads = threads,
          .operations = 2.0 * static_cast<double>(n * n * n),
          .bytes = static_cast<double>(n * n * ((form == kByteForm ? 2 : 4) + result_bytes))};
  if (against.peer && seconds[1] > 0) row.against("oneDNN", against.version, giga / seconds[1]);
  report(std::move(row));
}

void run_bytes(int64_t n, int threads, const Against& against, const SuiteOptions& options, const Report& report) {
  const bool has_byte_dots = machine::chosen_cpu_target().vectors.has_byte_dots;
  const ByteLayer layer(n);
  const Tensor x = bytes(n, n);
  auto product = jit([](const ByteLayer& l, Tensor x) { return l(x); },
                     {.name = "bytes", .is_batch_symbolic = false, .constants = {0}});
  report_product(
      fmt::format("u8 x i8, requantised, {0} x {0} x {0}", n), n, kByteForm, 1, has_byte_dots ? 0.95 : 0.7, threads,
      against, [&] { product(layer, x).evaluate(); }, options, report);
}

/// oneDNN's form has no denormals where the CPU has VDPBF16PS: so has what we ask for by name.
void run_halves(int64_t n, DotAlgorithm algorithm, int threads, const Against& against, const SuiteOptions& options,
                const Report& report) {
  const Tensor x = cast(uniform(Key(1), {n, n}, -1, 1), DType::bf16).evaluate();
  const Weights weights{cast(uniform(Key(2), {n, n}, -1, 1), DType::bf16).evaluate()};
  auto product =
      jit([](const Weights& w, Tensor x) { return dot(x, w.w, {{1}, {0}, {}, {}}, DType::f32); },
          {.name = "halves", .is_batch_symbolic = false, .constants = {0}, .algorithms = {.dot = algorithm}});
  const bool is_flushed = algorithm == DotAlgorithm::FlushedBf16;
  report_product(
      fmt::format("bf16 x bf16 into f32{1}, {0} x {0} x {0}", n, is_flushed ? " without denormals" : ""), n, kHalfForm,
      4, 1.0, threads, against, [&] { product(weights, x).evaluate(); }, options, report);
}

/// Weights of one form, and what a vector of 8 of them takes on AVX2: bytes are vectors of neighbouring k.
struct FewRows {
  const char* what;
  double bits;            ///< of a weight as it is stored
  double row_bits;        ///< of an element of a row
  double result_bytes;    ///< of an element of the result
  double decoding, step;  ///< instructions for a vector of weights, and for a vector of weights and a row
  std::function<void()> run;
};

/// Reads bytes with the threads of the pool, in pieces as a product's tasks are: looks for one that isn't there, which
/// the C library does by whole vectors.
void read_bytes(const std::vector<char>& bytes) {
  static std::atomic<int> found;
  constexpr size_t kPieces = 64;
  const size_t piece = bytes.size() / kPieces;
  base::ThreadPool::shared().run(kPieces, [&](base::TaskRange range) {
    const size_t first = static_cast<size_t>(range.begin) * piece, last = static_cast<size_t>(range.end) * piece;
    if (std::memchr(bytes.data() + first, 1, last - first)) ++found;
  });
}

/// `reading`: seconds that it takes to read as many bytes as the weights have, in turns with the product.
double seconds_limit(const FewRows& form, int64_t rows, int64_t n, int threads, double reading) {
  const double lanes = machine::chosen_cpu_target().vectors.lanes(4);
  const double instructions =
      static_cast<double>(n * n) / lanes * (form.decoding + form.step * static_cast<double>(rows));
  return std::max(reading / 0.9, instructions / (0.8 * peak_flops(threads) / (2 * lanes)));
}

void report_rows(const FewRows& form, int64_t rows, int64_t n, int threads, const SuiteOptions& options,
                 const Report& report) {
  const std::vector<char> as_many(static_cast<size_t>(static_cast<double>(n * n) * form.bits / 8));
  const Contestant sides[] = {{"strata", burst(form.run, threads)},
                              {"reading", burst([&] { read_bytes(as_many); }, threads)}};
  const std::vector<double> seconds = contest(sides, options.rounds);
  report({.workload = fmt::format("{} x {} by {} weights {}", rows, n, n, form.what),
          .peer = std::string(kStatedLimit),
          .ours = seconds[0] * 1e3,
          .theirs = seconds_limit(form, rows, n, threads, seconds[1]) * 1e3,
          .unit = "ms",
          .bar = 1,
          .limit_fraction = seconds[1] / seconds[0],
          .threads = threads,
          .operations = 2.0 * static_cast<double>(rows * n * n),
          .bytes = (static_cast<double>(n * n) * form.bits + static_cast<double>(rows * n) * form.row_bits) / 8 +
                   static_cast<double>(rows * n) * form.result_bytes});
}

void run_few_rows(int threads, const SuiteOptions& options, const Report& report) {
  constexpr int64_t n = 4096;
  const JitOptions fixed{.name = "few_rows", .is_batch_symbolic = false, .constants = {0}};
  auto product = jit([](const Weights& w, Tensor x) { return matmul(x, w.w); }, fixed);
  auto by_blocks = jit([](const Weights& w, Tensor x) { return einsum<Tensor>("mk,nk->mn", {x, w.w}); }, fixed);
  auto of_blocks = jit([](const Weights& w, Tensor x) { return block_dot(x, w.w); }, fixed);
  auto with_quantising =
      jit([](const Weights& w, Tensor x) { return block_dot(encode(x, ir::encoding_named("q8_0")), w.w); }, fixed);
  auto of_bytes = jit([](const ByteLayer& l, Tensor x) { return l(x); }, fixed);
  // Rows that are quantised once, by weights of 4 bits with a scale for each column.
  auto of_four_bits =
      jit([](const FourBits& l,
             Tensor x) { return cast(einsum<Tensor>("mk,nk->mn", {x, l.w_NK}), DType::f32) * l.scale_N; },
          fixed);
  const FourBits four{encode(random_integers(Key(8), {n, n}, -8, 8, DType::i8), ir::encoding_named("i4")).evaluate(),
                      uniform(Key(9), {n}, 0.5, 1.5).evaluate()};
  const Weights floats{normal(Key(1), {n, n}).evaluate()}, halves{cast(floats.w, DType::bf16).evaluate()},
      blocks{encode(floats.w, ir::encoding_named("q4_0")).evaluate()},
      byte_blocks{encode(floats.w, ir::encoding_named("q8_0")).evaluate()};
  const ByteLayer layer(n);
  for (const int64_t rows : {1, 2, 4, 8}) {
    const Tensor x = normal(Key(5), {rows, n}).evaluate(), half = cast(x, DType::bf16).evaluate(), u = bytes(rows, n);
    const Tensor quantised = encode(x, ir::encoding_named("q8_0")).evaluate();
    const FewRows forms[] = {
        {"f32", 32, 32, 4, 0, 1, [&] { product(floats, x).evaluate(); }},
        {"bf16", 16, 16, 2, 2, 1, [&] { product(halves, half).evaluate(); }},
        {"u8 x i8", 8, 8, 1, 0.5, 1, [&] { of_bytes(layer, u).evaluate(); }},
        {"u8 x i4", 4, 8, 4, 6, 1, [&] { of_four_bits(four, u).evaluate(); }},
        {"f32 x q4_0", 4.5, 32, 4, 6, 1, [&] { by_blocks(blocks, x).evaluate(); }},
        // Bytes in pairs into i16: 2 for 32 weights and a row, 10 for the end of a block of 16 columns; i16 in pairs: 2
        // for 16, and as many for the end of a block of 8.
        {"q8_0 x q4_0", 4.5, 8.5, 4, 0.6, 0.66, [&] { of_blocks(blocks, quantised).evaluate(); }},
        {"q8_0 x q8_0", 8.5, 8.5, 4, 0.6, 1.16, [&] { of_blocks(byte_blocks, quantised).evaluate(); }},
        {"q8_0 x q4_0, rows quantised in the run", 4.5, 32, 4, 0.6, 0.66,
         [&] { with_quantising(blocks, x).evaluate(); }}};
    for (const FewRows& form : forms) report_rows(form, rows, n, threads, options, report);
  }
}

}  // namespace

void run_integers(const SuiteOptions& options, const Report& report) {
  for (const int threads : {1, 2}) {
    const ThreadsScope scope(threads);
    base::Json reply;
    std::unique_ptr<Peer> peer;
    if (options.with_peers) peer = built_peer("onednn_peer", base::Json::object().set("threads", threads), reply);
    const Against against{peer.get(), peer ? reply.at("version").as_string() : ""};
    for (const int64_t n : {256, 512, 1024, 2048}) run_bytes(n, threads, against, options, report);
    std::vector<DotAlgorithm> algorithms{DotAlgorithm::Direct};
    if (machine::chosen_cpu_target().vectors.has_half_dots) algorithms.push_back(DotAlgorithm::FlushedBf16);
    for (const int64_t n : {512, 1024})
      for (const DotAlgorithm algorithm : algorithms) run_halves(n, algorithm, threads, against, options, report);
    run_few_rows(threads, options, report);
  }
}

}  // namespace strata::bench
