// Updates in place: a row appended to a cache that is too large to copy, beyond a step that does nothing; and the
// gradient of an embedding, alone (its zeros are one fill of the table) and joining a gradient that is there. The peer
// is PyTorch with the same threads.
#include <fmt/format.h>

#include <algorithm>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::bench {
namespace {

constexpr double kMostUsBeyondEmpty = 5;
constexpr int64_t kVocabulary = 50'257, kWidth = 768;

void append_row(const SuiteOptions& options, const Report& report) {
  auto empty = jit([](Tensor&, Tensor, Tensor pos) { return pos + 1; }, {.is_batch_symbolic = false});
  auto append = jit(
      [](Tensor& cache, Tensor row, Tensor pos) {
        cache.at({pos, kAll}).in_place() = row;
        return pos + 1;
      },
      {.is_batch_symbolic = false});
  const ThreadsScope one(1);
  Tensor cache = Tensor::zeros({65536, 1024}), row = Tensor::ones({1024});
  Tensor at = Tensor::scalar(0, DType::i64), other = at;
  for (const Tensor* t : {&cache, &row, &at}) t->evaluate();
  const Contestant contestants[] = {
      {"empty", burst([&] { other = empty(cache, row, other); }, 1, 0.02)},
      {"append", burst(
                     [&] {
                       if (at.data<int64_t>()[0] == 65536) at = Tensor::scalar(0, DType::i64);
                       at = append(cache, row, at);
                     },
                     1, 0.02)},
  };
  const std::vector<double> seconds = contest(contestants, options.rounds);
  report({.workload = "append a row to f32[65536,1024], beyond an empty step",
          .peer = std::string(kStatedLimit),
          .ours = std::max(seconds[1] - seconds[0], 1e-9) * 1e6,
          .theirs = kMostUsBeyondEmpty,
          .unit = "us",
          .bar = 1});
}

Tensor tokens(int64_t count) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(i * 7919 % kVocabulary);
  return Tensor::from(std::span<const int64_t>(ids), {count});
}

void embedding_gradient(const SuiteOptions& options, const Report& report, Peer* peer, const base::Json& reply,
                        int64_t count, bool joins) {
  auto alone = jit([](Tensor ids, Tensor seed) {
    return grad([&](const Tensor& t) { return sum(embedding(t, ids) * seed); }, Tensor::zeros({kVocabulary, kWidth}));
  });
  auto join = jit([](Tensor& gradient, Tensor ids, Tensor seed) {
    gradient = index_update(gradient, 0, ids, seed, ops::Combine::Add, ops::OutOfRange::Check, ops::InPlace::Required);
  });
  const ThreadsScope one(1);
  const Tensor ids = tokens(count), seed = Tensor::full({count, kWidth}, 0.5).evaluate();
  Tensor gradient = Tensor::zeros({kVocabulary, kWidth}).evaluate();
  std::vector<Contestant> contestants{{"ours", burst(
                                                   [&] {
                                                     if (joins)
                                                       join(gradient, ids, seed);
                                                     else
                                                       alone(ids, seed).evaluate();
                                                   },
                                                   1)}};
  if (peer) {
    const base::Json request = base::Json::object().set("tokens", count).set("joins", joins);
    contestants.push_back({"theirs", [peer, request] { return peer->run(request); }});
  }
  const std::vector<double> seconds = contest(contestants, options.rounds);
  Row row{.workload = fmt::format("embedding gradient, 50,257 x 768, {} tokens{}", count,
                                  joins ? ", into a gradient" : " and the zeros"),
          .ours = seconds[0] * 1e6,
          .unit = "us"};
  if (peer) row.against(reply.at("peer").as_string(), reply.at("version").as_string(), seconds[1] * 1e6);
  report(std::move(row));
}

}  // namespace

void run_updates(const SuiteOptions& options, const Report& report) {
  append_row(options, report);
  base::Json reply;
  const base::Json setup = base::Json::object().set("vocabulary", kVocabulary).set("width", kWidth);
  const auto peer = options.with_peers ? python_peer("embedding_peer.py", setup, reply) : nullptr;
  for (const bool joins : {false, true})
    for (const int64_t count : {0, 128, 512, 2048})
      if (count > 0 || !joins) embedding_gradient(options, report, peer.get(), reply, count, joins);
}

}  // namespace strata::bench
