// What runs eagerly runs under jit: tensors in pairs, tuples and structs, captured ones, and named dimensions; what
// explain() says of them, and how many programs are kept.
#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/testing/runs_under_jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::testing {
namespace {

struct Batch {
  Tensor images, labels;
  STRATA_FIELDS(images, labels)
};
struct Log {
  Tensor rows;
  STRATA_FIELDS(rows)
};
struct Layer {
  Tensor weight, bias;
  STRATA_FIELDS(weight, bias)
};

using Row = std::pair<Sizes, Sizes>;
const std::vector<Row> kRows = {{{4, 3}, {4, 3}}, {{2, 3}, {2, 3}}, {{1, 3}, {1, 3}}, {{0, 3}, {0, 3}},
                                {{6, 3}, {1, 3}}, {{1, 3}, {5, 3}}, {{7, 3}, {7, 3}}, {{3, 3}, {2, 3}}};

/// The program of two tensors, given them in a tree that `make` puts together.
template <class F, class Make>
int recordings_of(F f, Make make) {
  auto jitted = jit(f);
  for (const auto& [a, b] : kRows) {
    const Tensor x = numbers(a), y = numbers(b, 1);
    const Outcome eager = outcome_of([&] { return f(make(x, y)); });
    expect_same(eager, outcome_of([&] { return jitted(make(x, y)); }), "a tree");
  }
  std::printf("%2zu rows, %d recordings\n", kRows.size(), jitted.recordings());
  return jitted.recordings();
}

TEST(RunsUnderJit, TensorsInTrees) {
  EXPECT_LE(recordings_of([](const std::pair<Tensor, Tensor>& p) { return p.first + p.second * 2.0; },
                          [](const Tensor& x, const Tensor& y) { return std::pair(x, y); }),
            3);
  EXPECT_LE(recordings_of(
                [](const std::tuple<Tensor, std::array<Tensor, 1>>& t) {
                  return matmul(std::get<0>(t), transpose(std::get<1>(t)[0], {1, 0}));
                },
                [](const Tensor& x, const Tensor& y) { return std::tuple(x, std::array{y}); }),
            2);
  EXPECT_LE(recordings_of([](const Batch& b) { return b.images + b.labels * 2.0; },
                          [](const Tensor& x, const Tensor& y) { return Batch{x, y}; }),
            5);
  EXPECT_LE(recordings_of([](const std::vector<Tensor>& v) { return v[0] - v[1]; },
                          [](const Tensor& x, const Tensor& y) { return std::vector{x, y}; }),
            5);
  EXPECT_LE(recordings_of([](const Batch& b) { return Batch{b.images * 2.0, sum(b.labels, {0})}; },
                          [](const Tensor& x, const Tensor& y) { return Batch{x, y}; }),
            4);
}

TEST(RunsUnderJit, AStructOfDataIsRecordedTwiceAndAStructOfParametersOnce) {
  auto apply = [](const Layer& m, const Batch& b) {
    return matmul(b.images, transpose(m.weight, {1, 0})) + m.bias + sum(b.labels);
  };
  auto jitted = jit(apply);
  const Layer layer{numbers({4, 3}), numbers({4}, 1)};
  for (int64_t size : {4, 7, 1, 4, 5, 9}) {
    const Batch batch{numbers({size, 3}), numbers({size})};
    expect_same(outcome_of([&] { return apply(layer, batch); }), outcome_of([&] { return jitted(layer, batch); }),
                "apply");
  }
  EXPECT_EQ(jitted.recordings(), 2) << jitted.explain();
  const ir::Type weight = jitted.executable()->plan().graph->parameters()[0]->type();
  EXPECT_TRUE(weight.is_static()) << weight.str();
}

TEST(RunsUnderJit, ALeafOfAStructIsSymbolicAtOnceWhereItIsNamed) {
  auto total = [](const Batch& b) { return sum(b.images * b.labels, {0}); };
  auto jitted = jit(total, {.symbolic_dims = {{.argument = 0, .axis = 0, .name = "N", .leaf = "images"},
                                              {.argument = 0, .axis = 0, .name = "N", .leaf = "labels"}}});
  for (int64_t size : {4, 7, 1}) {
    const Batch batch{numbers({size, 3}), numbers({size, 3}, 1)};
    expect_same(outcome_of([&] { return total(batch); }), outcome_of([&] { return jitted(batch); }), "total");
  }
  EXPECT_EQ(jitted.recordings(), 1);
  auto wrong = jit(total, {.symbolic_dims = {{.argument = 0, .axis = 0, .name = "N", .leaf = "image"}}});
  EXPECT_EQ(base::message_of([&] { wrong(Batch{numbers({2, 3}), numbers({2, 3})}); }),
            "error[E0116]: jit: dimension 'N' is said to be axis 0 of argument 0, which has no tensor 'image'\nnote: "
            "jitted in runs_trees_test.cpp");
}

TEST(RunsUnderJit, NamesOfSymbolicDimensionsAreNames) {
  for (const std::string name : {"for", "inf", "where", "true", "a b*2", "", "4x"}) {
    const auto make = [&] { jit([](const Tensor& x) { return exp(x); }, {.symbolic_dims = {{0, 0, name}}}); };
    EXPECT_EQ(
        base::message_of(make).substr(0, 70).find("error[E0116]: jit: '" + name + "' can't be the name of a symb"), 0u)
        << base::message_of(make);
  }
  auto twice = jit([](const Tensor& x) { return exp(x); }, {.symbolic_dims = {{0, 1, "T"}, {0, -1, "S"}}});
  EXPECT_EQ(base::message_of([&] { twice(numbers({2, 3})); }),
            "error[E0116]: jit: axis 1 of argument 0 has two names, 'T' and 'S'\nnote: jitted in runs_trees_test.cpp");
}

TEST(RunsUnderJit, StateThatGrowsIsStatic) {
  Log log{numbers({1, 3})};
  auto append = jit([](Log& l, const Tensor& x) { l.rows = concat<Tensor>({l.rows, x}, 0); });
  for (int i = 0; i < 3; ++i) append(log, numbers({2, 3}));
  EXPECT_EQ(log.rows.size(0), 7);
  EXPECT_EQ(append.recordings(), 3);
}

TEST(RunsUnderJit, TreesThatTheFunctionChanges) {
  auto step = [](Layer& m, const std::pair<Tensor, Tensor>& batch) {
    auto [loss, g] = value_and_grad(
        [&](const Layer& m) {
          return mean(square(matmul(batch.first, transpose(m.weight, {1, 0})) + m.bias - batch.second));
        },
        m);
    m.weight = m.weight - g.weight * 0.125, m.bias = m.bias - g.bias * 0.125;
    return loss;
  };
  auto jitted = jit(step);
  Layer eager{numbers({4, 3}), numbers({4}, 1)}, compiled = eager;
  for (int64_t size : {4, 2, 1, 4, 3}) {
    const auto batch = std::pair(numbers({size, 3}), numbers({size, 4}, 2));
    expect_same(outcome_of([&] { return step(eager, batch); }), outcome_of([&] { return jitted(compiled, batch); }),
                "step");
    EXPECT_TRUE(eager.weight.array().same_bits(compiled.weight.array()));
  }
  EXPECT_EQ(jitted.recordings(), 1) << jitted.explain();
}

TEST(RunsUnderJit, ExplainSaysWhichDimensionIsFixedAndWhy) {
  auto add = jit([](const Tensor& x, const Tensor& y) { return x + y; });
  add(numbers({5, 3}), numbers({3}));
  const std::string text = add.explain();
  EXPECT_NE(text.find("dimension 0 of argument 0 is B, any size\n"), std::string::npos) << text;
  EXPECT_NE(text.find("dimension 0 of argument 1 is 3: add: shapes don't broadcast: f32[B,3] and f32[B1] differ in "
                      "axis -1, 3 and B1, recorded at runs_trees_test.cpp:"),
            std::string::npos)
      << text;
  auto quarters = jit([](const Tensor& x) { return reshape(x, {-1, 4}) * static_cast<double>(x.size(0)); });
  quarters(numbers({8, 3}));
  EXPECT_NE(quarters.explain().find("dimension 0 of argument 0 is B_4*4: reshape: "), std::string::npos)
      << quarters.explain();
  EXPECT_NE(quarters.explain().find("B_4*4 is 8: its size is looked at in runs_trees_test.cpp:"), std::string::npos)
      << quarters.explain();
}

TEST(RunsUnderJit, ExplainSaysWhatACallTakesAndWhatABudgetCosts) {
  const auto f = [](const Tensor& x, const Tensor& w, const Tensor& u) {
    const Tensor a = matmul(x, w), b = matmul(a, u), c = matmul(b, u);
    return sum(c * a);
  };
  const Tensor x = numbers({64, 8}), w = numbers({8, 512}), u = numbers({512, 512});
  auto free = jit(f);
  free(x, w, u);
  const std::string text = free.explain();
  EXPECT_NE(text.find("\n  takes 1.5 MB for the sizes of the call that was recorded, of which "), std::string::npos)
      << text;
  EXPECT_EQ(text.find("budget"), std::string::npos) << text;
  auto kept = jit(f, {.memory_budget_bytes = 1'400'000}), wide = jit(f, {.memory_budget_bytes = 9'000'000});
  kept(x, w, u), wide(x, w, u);
  EXPECT_NE(kept.explain().find("; the budget of 1.4 MB takes 1 kernel that runs twice\n"), std::string::npos)
      << kept.explain();
  EXPECT_NE(wide.explain().find("; the budget of 9 MB takes no kernel's running twice\n"), std::string::npos)
      << wide.explain();
}

TEST(RunsUnderJit, AnErrorOfBothIsTheEagerOneWithItsLine) {
  const auto add = [](const Tensor& x, const Tensor& y) { return x + y; };
  auto jitted = jit(add);
  const Tensor x = numbers({2, 3}), y = numbers({4, 3});
  const std::string message = base::message_of([&] { jitted(x, y); });
  EXPECT_EQ(message, base::message_of([&] { add(x, y); }));
  EXPECT_NE(message.find("f32[2,3] and f32[4,3]"), std::string::npos) << message;
  EXPECT_EQ(jitted.recordings(), 0);
}

TEST(RunsUnderJit, TheProgramThatWasCalledLongestAgoMakesRoom) {
  auto twice = jit([](const Tensor& x) { return x * 2.0; }, {.is_batch_symbolic = false, .most_programs = 3});
  for (int64_t size : {1, 2, 3, 1, 4}) twice(numbers({size})).evaluate();
  EXPECT_EQ(twice.recordings(), 4);
  twice(numbers({1})).evaluate();
  EXPECT_EQ(twice.recordings(), 4);
  EXPECT_EQ(twice(numbers({2})).size(0), 2);
  EXPECT_EQ(twice.recordings(), 5);
}

TEST(RunsUnderJit, CheckModeNamesTheNumberThatChanged) {
  double rate = 0.5;
  int64_t rows = 2;
  auto step = jit([&](const Tensor& x) { return x * 3.0 - rate; }, {.name = "step", .is_checked = true});
  step(numbers({3}));
  rate = 0.25;
  EXPECT_EQ(
      base::message_of([&] { step(numbers({3})); }),
      "error[E0505]: step: recorded another program for the same kind of arguments\nnote: the constant 0.5 recorded "
      "at runs_trees_test.cpp is 0.25 now\nnote: jitted in runs_trees_test.cpp\nhint: the function depends on "
      "something that is neither an argument nor a "
      "captured tensor: a number that changes is an argument, as a tensor");
  auto head = jit([&](const Tensor& x) { return x[Slice{0, rows}]; }, {.is_batch_symbolic = false, .is_checked = true});
  head(numbers({3}));
  rows = 1;
  EXPECT_NE(base::message_of([&] { head(numbers({3})); }).find("limit was [2] and is [1] now"), std::string::npos)
      << base::message_of([&] { head(numbers({3})); });
}

}  // namespace
}  // namespace strata::testing
