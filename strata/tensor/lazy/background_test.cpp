// Lazy recordings that come again: op by op at first, as one program later, with the same bits; one program for all
// sizes; and what goes wrong beside stays beside.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "strata/base/error/message_of.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/numpy_names.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/arrange.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/lazy/compilation.h"
#include "strata/tensor/lazy/lazy_programs.h"
#include "strata/tensor/lazy/programs.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::code_of;
using Function = std::function<Tensor(const Tensor&, double)>;

/// Expressions of which each stands on a line of its own.
const std::vector<std::pair<const char*, Function>>& functions() {
  static const std::vector<std::pair<const char*, Function>> all = {
      {"arithmetic", [](const Tensor& x, double c) { return (x * c + 1.0) / (abs(x) + 2.0) - square(x); }},
      {"powers of numbers", [](const Tensor& x, double c) { return pow(abs(x), Tensor::full({1}, 2) * 1.0) + c; }},
      {"activations", [](const Tensor& x, double c) { return gelu(x) + sigmoid(x * c) * tanh(x); }},
      {"rows", [](const Tensor& x, double c) { return softmax(x * c, -1) - mean(x, {1}, ops::Keep::AsOne); }},
      {"products", [](const Tensor& x, double c) { return relu(matmul(x, transpose(x, {1, 0}))) * c; }},
      {"half floats", [](const Tensor& x, double c) { return cast(sum(cast(x, DType::f16) * c, {0}), DType::f32); }},
      {"shapes",
       [](const Tensor& x, double c) { return concat(std::vector{reshape(x, {-1}), reshape(x * c, {-1})}, 0); }},
      {"subscripts", [](const Tensor& x, double c) { return x[Slice{0, 1}] * c + x[{0}]; }},
      {"writes",
       [](const Tensor& x, double c) {
         Tensor y = x * 1.0;
         y.at({0, 0}) = c;
         y.at({-1}) += 1.0;
         return y;
       }},
      {"gradients",
       [](const Tensor& x, double c) {
         return grad([&](const Tensor& v) { return sum(tanh(matmul(v, transpose(v, {1, 0}))) * c); }, x);
       }},
      {"loops",
       [](const Tensor& x, double c) {
         return scan([](const Tensor& s, const Tensor& row) { return std::pair(s * 0.5 + row, s); }, x[0] * c, x)
             .second;
       }},
      {"constants alone", [](const Tensor& x, double c) { return Tensor::arange(5, DType::f32) * c + x[{0, 0}]; }},
  };
  return all;
}

/// Numbers of both signs, made without a recording.
Tensor data(int64_t rows, int64_t columns, int seed) {
  HostArray array(DType::f32, {rows, columns});
  for (int64_t i = 0; i < array.elements(); ++i)
    array.set(i, static_cast<double>((i * 37 + seed * 11) % 101 - 50) / 32);
  return Tensor(std::move(array));
}

TEST(Background, GivesTheBitsOfAProgramThatIsCompiledAtOnce) {
  for (const auto& [name, f] : functions())
    for (int turn = 0; turn < 6; ++turn) {
      const Tensor x = data(2 + turn % 3 * 5, 3 + turn % 2, turn);
      const double c = turn < 2 ? 0.5 : 0.25 * turn;
      const auto value = [&](LazyCompilation how) {
        const LazyCompilationScope scope(how);
        return f(x, c).array();
      };
      const HostArray expected = value(LazyCompilation::AtOnce);
      EXPECT_TRUE(value(LazyCompilation::Never).same_bits(expected)) << name << ", turn " << turn;
      EXPECT_TRUE(value(LazyCompilation::Background).same_bits(expected)) << name << ", turn " << turn;
      if (turn % 2 == 1) wait_for_compilations();
    }
}

/// The entry of the report about the recordings of a line.
base::Json entry(const char* file_and_line) {
  const base::Json report = lazy::programs_json();
  for (const base::Json& r : report.at("recordings").items())
    if (r.at("lines").as_string().find(file_and_line) != std::string::npos) return r;
  return {};
}

TEST(Background, RunsOpByOpUntilItIsCompiled) {
  const LazyCompilationScope scope(LazyCompilation::Background);
  const Tensor x = data(7, 5, 1);
  const int line = __LINE__ + 1;
  const auto f = [&] { return (exp(x) + sin(x) * 2.0).evaluate(); };
  const HostArray first = f().array();
  f();
  wait_for_compilations();
  const int64_t before = lazy::compiled_count();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(f().array().same_bits(first));
  EXPECT_EQ(lazy::compiled_count(), before);
  const base::Json r = entry(("background_test.cpp:" + std::to_string(line)).c_str());
  ASSERT_FALSE(r.is_null());
  EXPECT_EQ(r.at("runs_op_by_op").as_int(), 2);
  EXPECT_EQ(r.at("compiled_runs").as_int(), 5);
  EXPECT_EQ(r.at("compilations").as_int(), 1);
}

TEST(Background, CompilesOnceMoreForAllSizesAndNeverAgain) {
  for (const LazyCompilation how : {LazyCompilation::AtOnce, LazyCompilation::Background}) {
    const LazyCompilationScope scope(how);
    const Tensor w = data(3, 4, 2);
    const auto f = [&](int64_t rows) {
      const Tensor x = data(rows, 3, static_cast<int>(rows)), y = softmax(matmul(x, w), -1);
      return (reshape(y, {rows * 4}) / mean(y)).evaluate();
    };
    for (const int64_t rows : {5, 6, 7}) {
      f(rows);
      wait_for_compilations();
    }
    const int64_t before = lazy::compiled_count();
    for (int64_t rows = 1; rows <= 40; ++rows) {
      const HostArray found = f(rows).array();
      const LazyCompilationScope sync(LazyCompilation::Never);
      EXPECT_TRUE(found.same_bits(f(rows).array())) << rows;
    }
    EXPECT_LE(lazy::compiled_count() - before, 40);  // of the single ops of the comparison, first for each size seen
    const int64_t settled = lazy::compiled_count();
    for (int64_t rows = 41; rows <= 90; ++rows) f(rows);
    wait_for_compilations();
    EXPECT_EQ(lazy::compiled_count(), settled);
  }
}

TEST(Background, WritesInPlaceWhatNobodyElseHolds) {
  for (const LazyCompilation how : {LazyCompilation::AtOnce, LazyCompilation::Background}) {
    const LazyCompilationScope scope(how);
    Tensor w = data(64, 32, 3) + 1.0;
    const auto step = [&](int i) {
      w = w - square(w) * 0.25;
      w.at({i % 64, 0}) = 2.0;
      w.evaluate();
      wait_for_compilations();
    };
    for (int i = 0; i < 4; ++i) step(i);
    const std::byte* memory = w.array().data();
    step(5);
    EXPECT_EQ(w.array().data(), memory);
    const Tensor held = w;
    const HostArray before = w.array().clone();
    step(6);
    EXPECT_NE(w.array().data(), memory);
    EXPECT_TRUE(held.array().same_bits(before));
    const HostArray outside = w.array();  // a handle of another kind counts, too
    const HostArray copy = outside.clone();
    step(7);
    EXPECT_TRUE(outside.same_bits(copy));
  }
}

TEST(Background, NeverWritesMemoryOfTheCaller) {
  for (const LazyCompilation how : {LazyCompilation::AtOnce, LazyCompilation::Background}) {
    const LazyCompilationScope scope(how);
    alignas(64) float numbers[4] = {1, 2, 3, 4};
    for (int i = 0; i < 4; ++i) {
      Tensor x = Tensor::wrap(numbers, DType::f32, {4}, nullptr);
      x = x * 2.0 + 1.0;
      EXPECT_EQ(x.data<float>()[3], 9);
      EXPECT_EQ(numbers[3], 4);
      wait_for_compilations();
    }
  }
}

TEST(Background, OfARunThatFailsLeavesTheArgumentsAsTheyWere) {
  Tensor w = data(6, 2, 4) * 1.0;
  w.evaluate();
  const Tensor table = data(4, 2, 5);
  const auto step = [&](int64_t id) {
    w = w * 0.5 + take(table, Tensor::from({id}), 0, OutOfRange::Check);
    return w;
  };
  for (int i = 0; i < 3; ++i) {
    step(1).evaluate();
    wait_for_compilations();
  }
  const HostArray before = w.array().clone();
  const Tensor good = w;
  EXPECT_EQ(code_of([&] { step(9).evaluate(); }), "E0118");
  EXPECT_TRUE(good.array().same_bits(before));
  w = good;
  EXPECT_NO_THROW(step(2).evaluate());
}

TEST(Background, KeepsARecordingThatCannotBeCompiled) {
  lazy::Programs programs(4, lazy::Programs::Guess::None);
  auto graph = std::make_shared<ir::Graph>("fails");
  const ir::Value x = graph->add_parameter(ir::Type::of(DType::f32, {3}));
  const ir::Value update = ops::full(*graph, ir::Type::of(DType::f32, {1}), 5.0);
  const std::vector<ir::Value> start{ops::scalar(*graph, DType::i64, int64_t{1})};
  graph->set_results({ops::dynamic_update_slice(x, update, start, ops::InPlace::Required)});
  const lazy::Segment segment = lazy::segment_of(graph);
  const base::Hash128 exact = lazy::exact_key(*graph);
  auto missing = std::get<lazy::Missing>(programs.look_up(segment, exact));
  EXPECT_TRUE(missing.may_compile);
  EXPECT_EQ(code_of([&] { programs.compile(segment, exact, missing); }), "E0330");  // the operand is not donated
  missing = std::get<lazy::Missing>(programs.look_up(segment, exact));
  EXPECT_FALSE(missing.may_compile);
  const base::Json family = programs.json().at(size_t{0});
  EXPECT_NE(family.at("failure").as_string(), "");
  EXPECT_TRUE(family.at("is_given_up").as_bool());
  // A caller who insists is served.
  std::vector<HostArray> arguments;
  arguments.emplace_back(DType::f32, std::vector<int64_t>{3});
  EXPECT_EQ(programs.compile(segment, exact, missing, {{0, 0}}).run(std::move(arguments))[0].get(1), 5);
}

TEST(Background, DropsWhatWasNotUsedForLongest) {
  lazy::Programs programs(2, lazy::Programs::Guess::None);
  for (int length = 1; length <= 5; ++length) {
    auto graph = std::make_shared<ir::Graph>("chain");
    ir::Value x = graph->add_parameter(ir::Type::of(DType::f32, {3}));
    for (int i = 0; i < length; ++i) x = ops::tanh(x);
    graph->set_results({x});
    const lazy::Segment segment = lazy::segment_of(graph);
    const base::Hash128 exact = lazy::exact_key(*graph);
    programs.compile(segment, exact, std::get<lazy::Missing>(programs.look_up(segment, exact)));
    EXPECT_TRUE(programs.find(exact));
  }
  EXPECT_EQ(programs.json().size(), 2u);
}

TEST(Background, ServesThreadsThatRecordTheSame) {
  const LazyCompilationScope scope(LazyCompilation::Background);
  const Tensor x = data(9, 9, 6);
  const auto f = [&](double c) { return sum(tanh(matmul(x, x) * c) + x, {0}).evaluate().array(); };
  const HostArray expected = f(0.5);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) wrong[t] += !f(0.5).same_bits(expected) + (f(0.1 * i).rank() != 1);
    });
  for (std::thread& t : threads) t.join();
  for (const int w : wrong) EXPECT_EQ(w, 0);
}

TEST(Background, AWordThatIsNoPolicyIsRefused) {
  EXPECT_EQ(lazy_compilation_named("at-once"), LazyCompilation::AtOnce);
  EXPECT_EQ(lazy_compilation_named("never"), LazyCompilation::Never);
  EXPECT_EQ(base::message_of([] { lazy_compilation_named("fast"); }),
            "error[E0116]: lazy compilation (STRATA_LAZY) is 'fast', expected background, at-once or never");
  EXPECT_EQ(code_of([] { set_lazy_compilation(static_cast<LazyCompilation>(7)); }), "E0116");
}

}  // namespace
}  // namespace strata
