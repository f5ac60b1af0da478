// x.at(...) in a jitted step: the row is written in the memory of x, wherever the list says, or the error names what
// keeps the old x alive. And gradients of rows that are read: no zeros where they join another gradient.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/arrange.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::code_of;
using base::message_of;

Tensor numbers(std::vector<int64_t> shape) {
  int64_t count = 1;
  for (int64_t d : shape) count *= d;
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return Tensor::from(std::span<const float>(values), std::move(shape));
}

/// Updates of the plan, and how many of them copy.
std::pair<int, int> updates_of(const runtime::Executable& executable) {
  int updates = 0, copies = 0;
  for (const ir::PlanCommand& c : executable.plan().commands) {
    updates += c.updates >= 0;
    copies += !c.copied_because.empty();
  }
  return {updates, copies};
}
const std::pair<int, int> kOneInPlace{1, 0};

TEST(Updates, AppendARowAtAPositionThatIsData) {
  auto step = jit([](Tensor& cache, Tensor row, Tensor pos) { cache.at({pos, kAll}).in_place() = row; });
  Tensor cache = Tensor::zeros({7, 3});
  const std::byte* const memory = cache.array().data();
  for (int i = 0; i < 9; ++i) {
    const int at = i % 7;
    step(cache, Tensor::full({3}, i + 1.0), Tensor::scalar(at, DType::i64));
    EXPECT_EQ(cache.array().data(), memory);
    EXPECT_EQ(cache.data<float>()[3 * at + 2], static_cast<float>(i + 1));
  }
  EXPECT_EQ(updates_of(*step.executable()), kOneInPlace);
  EXPECT_EQ(code_of([&] { step(cache, Tensor::ones({3}), Tensor::scalar(7, DType::i64)); }), "E0118");
  EXPECT_EQ(cache.array().data(), memory);
  EXPECT_EQ(cache.data<float>()[5], 9.f);
}

TEST(Updates, WriteABlockByDynamicUpdateSlice) {
  auto step = jit([](Tensor& cache, Tensor row, Tensor pos) {
    cache = dynamic_update_slice(cache, row, {pos, Tensor::scalar(0, DType::i64)}, ops::InPlace::Required);
  });
  Tensor cache = numbers({5, 2});
  const std::byte* const memory = cache.array().data();
  step(cache, Tensor::full({1, 2}, -1), Tensor::scalar(99, DType::i32));
  EXPECT_EQ(cache.array().data(), memory);
  EXPECT_EQ(cache.str(), numbers({5, 2}).at({-1, kAll}).set(-1).str());
  EXPECT_EQ(updates_of(*step.executable()), kOneInPlace);
}

TEST(Updates, ReadAndWriteOneBlock) {
  auto step = jit([](Tensor& x) { x.at({Slice{1, 3}, kAll}).in_place() += x[{Slice{0, 2}, kAll}] * 10; });
  Tensor x = numbers({4, 2});
  step(x);
  EXPECT_EQ(x.str(), Tensor::from<float>(std::vector<float>{0, 1, 2, 13, 24, 35, 6, 7}, {4, 2}).str());
  EXPECT_EQ(updates_of(*step.executable()), kOneInPlace);
}

TEST(Updates, E0330NamesTheOtherHandleAndChangesNothing) {
  auto step = jit([](Tensor& cache, Tensor row) { cache.at({1, kAll}).in_place() = row; }, {.name = "append"});
  Tensor cache = numbers({3, 2});
  cache.evaluate();
  const Tensor kept = cache;
  const std::string text = message_of([&] { step(cache, Tensor::ones({2})); });
  EXPECT_TRUE(
      text.starts_with("error[E0330]: append: argument 0 must be written in place, but the caller holds its "
                       "memory with another handle\nnote: recorded at "))
      << text;
  EXPECT_EQ(cache.str(), numbers({3, 2}).str());
  EXPECT_EQ(kept.str(), cache.str());
}

TEST(Updates, E0330NamesWhatTheFunctionKeeps) {
  auto keeps = jit(
      [](Tensor& cache, Tensor& old, Tensor row) {
        old = cache;
        cache.at({1, kAll}).in_place() = row;
      },
      {.name = "keeps"});
  Tensor cache = numbers({3, 2}), old = Tensor::zeros({3, 2});
  const std::string text = message_of([&] { keeps(cache, old, Tensor::ones({2})); });
  EXPECT_TRUE(
      text.starts_with("error[E0330]: keeps: dynamic_update_slice must be written in place, but result 1 is its "
                       "old value\nnote: recorded at ") ||
      text.starts_with("error[E0330]: keeps: dynamic_update_slice must be written in place, but argument 0 is "
                       "kept: result 1 is its old value\nnote: recorded at "))
      << text;
  auto borrows = jit([](const Tensor& cache, Tensor row) { return sum(cache.at({1, kAll}).in_place().set(row)); },
                     {.name = "borrows"});
  const std::string borrowed = message_of([&] { borrows(cache, Tensor::ones({2})); });
  EXPECT_TRUE(
      borrowed.starts_with("error[E0330]: borrows: dynamic_update_slice must be written in place, but argument "
                           "0 is not donated\nnote: recorded at "))
      << borrowed;
}

/// A random list of subscripts for a shape.
std::vector<ops::Subscript<Tensor>> random_list(const std::vector<int64_t>& shape, std::mt19937_64& random) {
  std::vector<ops::Subscript<Tensor>> list;
  const size_t most = random() % (shape.size() + 1);
  for (size_t a = 0; a < most; ++a) {
    const uint64_t n = shape[a];
    switch (random() % 6) {
      case 0:
        list.emplace_back(static_cast<int64_t>(random() % n) - (random() % 2 ? shape[a] : 0));
        break;
      case 1:
        list.emplace_back(kAll);
        break;
      case 2:
        list.emplace_back(Slice{static_cast<int64_t>(random() % n), shape[a], static_cast<int64_t>(1 + random() % 3)});
        break;
      case 3:
        list.emplace_back(Slice{.step = -static_cast<int64_t>(1 + random() % 2)});
        break;
      case 4:
        list.emplace_back(kNewAxis);
        --a;
        if (list.size() > 5) return list;
        break;
      default: {
        std::vector<int64_t> ids;
        for (int k = 0; k < 3; ++k) ids.push_back(static_cast<int64_t>(random() % n) - (random() % 2 ? shape[a] : 0));
        list.emplace_back(Tensor::from(std::span<const int64_t>(ids), {3}));
      }
    }
  }
  return list;
}

/// Against the places that the same list reads of 0, 1, 2, ...
TEST(Updates, WriteWhereTheListReads) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    std::vector<int64_t> shape;
    for (size_t a = random() % 3 + 1; a-- > 0;) shape.push_back(std::array{1, 2, 3, 5, 7}[random() % 5]);
    const auto list = random_list(shape, random);
    const Tensor x = numbers(shape), places = ops::subscript(x, list);
    const Tensor marks =
        ops::reshape(Tensor::arange(100, 100 + places.array().elements(), 1, DType::f32), ops::shape_of(places.type()));
    for (const auto combine : {ops::Combine::Set, ops::Combine::Add, ops::Combine::Max}) {
      std::vector<float> expected(x.data<float>().begin(), x.data<float>().end());
      const auto at = places.data<float>();
      for (size_t i = 0; i < at.size(); ++i) {
        float& to = expected[at[i]];
        const float mark = 100 + static_cast<float>(i);
        to = combine == ops::Combine::Set ? mark : combine == ops::Combine::Add ? to + mark : std::max(to, mark);
      }
      const Tensor y = ops::update_subscript(x, list, marks, combine);
      ASSERT_TRUE(std::ranges::equal(y.data<float>(), expected)) << "round " << round << "\n" << y.str();
    }
  }
}

/// Embedding and head of one table, as language models tie them: the head's gradient takes the rows in.
TEST(Updates, GradientsOfRowsJoinAnotherGradientWithoutZeros) {
  auto loss = [](const Tensor& table, const Tensor& ids) {
    const Tensor rows = embedding(table, ids);
    return sum(square(matmul(rows, transpose(table, {1, 0}))));
  };
  auto step = jit([&](Tensor table, Tensor ids) { return grad([&](const Tensor& t) { return loss(t, ids); }, table); });
  const Tensor table = numbers({11, 5}) * 0.125, ids = Tensor::from<int64_t>({3, 0, 3, 10});
  const Tensor both = step(table, ids);
  EXPECT_EQ(updates_of(*step.executable()), kOneInPlace);
  auto fills = [](const runtime::Executable& e) {
    return std::ranges::count_if(e.plan().commands, [](const ir::PlanCommand& c) { return c.reads.empty(); });
  };
  EXPECT_EQ(fills(*step.executable()), 0);

  auto alone = jit([&](Tensor t, Tensor i, Tensor head) {
    auto of_rows = [&](const Tensor& v) { return sum(square(matmul(embedding(v, i), transpose(head, {1, 0})))); };
    auto of_head = [&](const Tensor& v) { return sum(square(matmul(embedding(t, i), transpose(v, {1, 0})))); };
    return std::vector<Tensor>{grad(of_rows, t), grad(of_head, head)};
  });
  const std::vector<Tensor> parts = alone(table, ids, table);
  EXPECT_EQ(both.str(), (parts[0] + parts[1]).str());
}

}  // namespace
}  // namespace strata
