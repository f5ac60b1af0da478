// Dimensions that a program counts: compiled against interpreted, the plan's own interpreter, and what is refused.
#include "strata/ops/counted/counted.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <thread>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/verify.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/dimension.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/program/program_file.h"

namespace strata::compiler {
namespace {

using base::message_of;
using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

const Dim B = Dim::symbol("B");

enum class Mask : uint8_t { None, All, Random, Last };
constexpr Mask kMasks[] = {Mask::None, Mask::All, Mask::Random, Mask::Last};

HostArray mask_of(int64_t count, Mask which, uint32_t seed) {
  std::mt19937 random(seed);
  HostArray mask(DType::boolean, {count});
  for (int64_t i = 0; i < count; ++i)
    mask.set_int(
        i, which == Mask::All || (which == Mask::Random && random() % 2) || (which == Mask::Last && i + 1 == count));
  return mask;
}

using Body = std::function<Values(Graph&, Value x, Value mask)>;

/// f(x: [B,5], mask: [B]).
std::shared_ptr<Graph> program(const Body& body, Dim rows = B) {
  auto graph = std::make_shared<Graph>("counting");
  const Value x = graph->add_parameter(Type::of(DType::f32, {rows, 5}), "x"),
              mask = graph->add_parameter(Type::of(DType::boolean, {rows}), "mask");
  graph->set_results(body(*graph, x, mask));
  return graph;
}

/// Where text, plan and native code agree with the interpreter.
void expect_as_interpreted(const std::shared_ptr<Graph>& graph, const std::vector<HostArray>& arguments) {
  ASSERT_EQ(ir::find_graph_fault(*graph), std::nullopt);
  const auto parsed = ir::parse_graph(ir::print_graph(*graph), ops::op_table());
  ASSERT_TRUE(parsed.ok()) << parsed.error().text() << ir::print_graph(*graph);
  EXPECT_EQ((*parsed)->hash(), graph->hash());
  const auto expected = ir::interpret(*graph, arguments);
  const auto executable = compile(graph);
  EXPECT_EQ(ir::find_plan_fault(executable->plan()), std::nullopt);
  EXPECT_EQ(first_difference(expected, ir::interpret_plan(executable->plan(), arguments)), std::nullopt);
  EXPECT_EQ(find_native_difference(graph, arguments), std::nullopt);
}

void expect_as_interpreted_for_masks(const std::shared_ptr<Graph>& graph, std::initializer_list<int64_t> sizes) {
  for (int64_t size : sizes)
    for (Mask mask : kMasks) {
      SCOPED_TRACE(std::to_string(size) + " rows, mask " + std::to_string(static_cast<int>(mask)));
      expect_as_interpreted(graph, {random_array({size, 5}, 1), mask_of(size, mask, size)});
    }
}

TEST(Counted, CompactPicksTheRowsInOrder) {
  const auto graph = program([](Graph&, Value x, Value mask) { return Values{ops::compact(x, mask)}; });
  HostArray mask(DType::boolean, {4});
  mask.set_int(1, 1), mask.set_int(3, 1);
  const HostArray x = random_array({4, 5}, 3), y = compile(graph)->run({x, mask})[0];
  ASSERT_EQ(y.shape(), (std::vector<int64_t>{2, 5}));
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(y.get(i), x.get(5 + i));
    EXPECT_EQ(y.get(5 + i), x.get(15 + i));
  }
  expect_as_interpreted_for_masks(graph, {0, 1, 2, 7, 31, 64});
}

TEST(Counted, NonzeroGivesARowOfIndicesPerElement) {
  auto graph = std::make_shared<Graph>("positions");
  const Value x = graph->add_parameter(Type::of(DType::f32, {B, 3, 2}));
  graph->set_results({ops::nonzero(x), ops::nonzero(x, DType::i32), ops::flatnonzero(x)});
  HostArray a(DType::f32, {2, 3, 2});
  a.set(1, NAN), a.set(4, -0.0), a.set(7, 2), a.set(11, INFINITY);
  const auto found = compile(graph)->run({a});
  ASSERT_EQ(found[0].shape(), (std::vector<int64_t>{3, 3}));
  const int64_t expected[] = {0, 0, 1, 1, 0, 1, 1, 2, 1};
  for (int64_t i = 0; i < 9; ++i) EXPECT_EQ(found[0].get_int(i), expected[i]) << i;
  EXPECT_EQ(found[1].dtype(), DType::i32);
  EXPECT_EQ(found[2].get_int(2), 11);
  for (int64_t size : {0, 1, 5, 13}) expect_as_interpreted(graph, {random_array({size, 3, 2}, 5)});
  expect_as_interpreted(graph, {a});
}

TEST(Counted, NonzeroOfAScalarHasNoIndices) {
  auto graph = std::make_shared<Graph>("scalar");
  graph->set_results({ops::nonzero(graph->add_parameter(Type::scalar(DType::f32)))});
  EXPECT_EQ(compile(graph)->run({HostArray::scalar(DType::f32, 0)})[0].shape(), (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(compile(graph)->run({HostArray::scalar(DType::f32, 3)})[0].shape(), (std::vector<int64_t>{1, 0}));
}

TEST(Counted, EverythingBehindTheCountWorksOnSoManyElements) {
  const auto graph = program([](Graph& g, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    const Dim n = c.type().dim(0);
    const Value count = ops::cast(ops::dimension(g, n), DType::f32);
    const Value mean = ops::sum(c, {0}) / ops::maximum(count, 1.0);
    return Values{ops::tanh(c * 2.0 + 1.0),
                  mean,
                  c - mean,
                  ops::matmul(ops::transpose(c, {1, 0}), c),
                  ops::matmul(c, ops::transpose(c, {1, 0})),
                  ops::concat({c, x, c}, 0),
                  ops::cumsum(c, 0),
                  ops::softmax(c, 1),
                  ops::reverse(c, {0}),
                  ops::pad_zero(c, {{2, 1}, {0, 0}}),
                  ops::reshape(c, {n * 5}),
                  ops::max(ops::concat({c, x}, 0), {1}),
                  count * 2.0};
  });
  expect_as_interpreted_for_masks(graph, {1, 2, 7, 31, 64});
}

TEST(Counted, APaddedCountHasTheShapeOfItsCapacity) {
  const auto graph = program([](Graph&, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    const Value padded = ops::pad_zero(c, {{0, B - c.type().dim(0)}, {0, 0}});
    return Values{padded, ops::sum(padded, {0})};
  });
  expect_as_interpreted_for_masks(graph, {1, 3, 17});
}

TEST(Counted, TwoCountsAreTwoDimensions) {
  const auto graph = program([](Graph&, Value x, Value mask) {
    const Value a = ops::compact(x, mask), b = ops::compact(x, ops::bitwise_not(mask));
    return Values{ops::concat({a, b}, 0), ops::matmul(a, ops::transpose(b, {1, 0})), ops::sum(a, {}) - ops::sum(b, {})};
  });
  expect_as_interpreted_for_masks(graph, {1, 2, 13, 32});
  EXPECT_EQ(graph->facts().all().size(), 2u);
}

TEST(Counted, OneMaskCountsOnce) {
  const auto graph = program([](Graph&, Value x, Value mask) {
    return Values{ops::compact(x, mask) + ops::compact(ops::exp(x), mask), ops::flatnonzero(mask)};
  });
  ASSERT_EQ(graph->facts().all().size(), 1u);
  expect_as_interpreted_for_masks(graph, {1, 7, 32});
}

TEST(Counted, ACountFeedsAnother) {
  const auto graph = program([](Graph&, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    const Value rows = ops::gt(ops::sum(c, {1}), 0.0);
    const Value positive = ops::compact(c, rows);
    return Values{positive, ops::nonzero(ops::gt(positive, 0.0)), ops::sum(positive, {0})};
  });
  EXPECT_EQ(graph->facts().all().size(), 3u);
  expect_as_interpreted_for_masks(graph, {1, 2, 13, 31});
}

TEST(Counted, ANameWithoutDataWaitsForItsCount) {
  // Nothing but their shapes ties the last two to the node that counts.
  const auto graph = program([](Graph& g, Value x, Value mask) {
    const Value scalar = ops::sum(x, {}) * 3.0;
    const Dim n = ops::flatnonzero(mask).type().dim(0);
    return Values{ops::sum(ops::full(g, Type::of(DType::f32, {n, 3}), 2.0), {}),
                  scalar * ops::cast(ops::dimension(g, n * 2), DType::f32)};
  });
  expect_as_interpreted_for_masks(graph, {1, 2, 19});
}

TEST(Counted, RangesOfDataHaveTheirLength) {
  auto graph = std::make_shared<Graph>("ranges");
  const Value n = graph->add_parameter(Type::scalar(DType::i32));
  graph->set_results({ops::counted_range(n, 9), ops::sum(ops::counted_range(n, 9), {})});
  const auto executable = compile(graph);
  for (int64_t count = 0; count <= 9; ++count) {
    const auto found = executable->run({HostArray::scalar(DType::i32, count)});
    EXPECT_EQ(found[0].shape(), (std::vector<int64_t>{count}));
    EXPECT_EQ(found[1].get_int(0), count * (count - 1) / 2);
  }
  for (int count : {-1, 10}) {
    const std::string expected =
        "error[E0146]: counted_range: N would be " + std::to_string(count) + ", and its capacity 9 is 9";
    EXPECT_EQ(message_of([&] { executable->run({HostArray::scalar(DType::i32, count)}); }), expected);
    EXPECT_EQ(message_of([&] { ir::interpret(*graph, std::vector{HostArray::scalar(DType::i32, count)}); }), expected);
  }
}

TEST(Counted, MemoryIsThatOfTheCapacity) {
  const auto executable = compile(
      program([](Graph&, Value x, Value mask) { return Values{ops::cumsum(ops::exp(ops::compact(x, mask)), 0)}; }));
  const std::vector<std::vector<int64_t>> shapes{{4096, 5}, {4096}};
  const auto use = executable->memory_use(shapes);
  EXPECT_GE(use.arena_bytes, 4096 * 5 * 4);
  EXPECT_EQ(memory_peak(*executable, shapes).arena_bytes, use.arena_bytes);
}

TEST(Counted, ResultsHaveMemoryForWhatWasCounted) {
  const auto executable =
      compile(program([](Graph&, Value x, Value mask) { return Values{ops::exp(ops::compact(x, mask))}; }));
  const HostArray y = executable->run({random_array({1000, 5}, 1), mask_of(1000, Mask::Last, 0)})[0];
  EXPECT_EQ(y.shape(), (std::vector<int64_t>{1, 5}));
  EXPECT_EQ(y.bytes(), 20);
}

TEST(Counted, LoopsRunOverWhatWasCounted) {
  const auto graph = program([](Graph& g, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    const auto step = [](Graph&, const Values& p) { return Values{p[0] * 0.5 + p[1]}; };
    const Value start = ops::full(g, Type::of(DType::f32, {5}), 1.0);
    const Value last = ops::scan({.carries = {start}, .xs = {c}}, c.type().dim(0), step).carries[0];
    return Values{last, ops::sum(c, {0}) + last};
  });
  expect_as_interpreted_for_masks(graph, {1, 2, 13});
}

TEST(Counted, WhatTheLoopsTakeIsKnownBeforeTheRun) {
  const auto graph = program([](Graph& g, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    const auto step = [](Graph&, const Values& p) {
      return Values{ops::matmul(ops::tanh(ops::matmul(p[0], p[0])), p[0]) + p[1]};
    };
    const Value start = ops::full(g, Type::of(DType::f32, {5, 5}), 0.25);
    return Values{ops::scan({.carries = {start}, .xs = {c}}, c.type().dim(0), step).carries[0]};
  });
  const std::vector<std::vector<int64_t>> shapes{{13, 5}, {13}};
  EXPECT_GT(compile(graph)->memory_use(shapes).region_bytes, 0);
  expect_as_interpreted_for_masks(graph, {1, 13});
}

TEST(Counted, WhatNeedsAnElementIsRefusedWhenNothingWasCounted) {
  const auto graph = program([](Graph& g, Value x, Value mask) {
    const ir::LocationScope scope(g, {"model.cpp", 12, nullptr});
    return Values{ops::argmax(ops::compact(x, mask), 0)};
  });
  const std::vector<HostArray> arguments{random_array({6, 5}, 1), mask_of(6, Mask::None, 0)};
  const std::string expected =
      "error[E0116]: argmax: axis 0 of f32[0,5] is empty\nnote: operands are f32[0,5]\nnote: recorded at model.cpp";
  EXPECT_EQ(message_of([&] { ir::interpret(*graph, arguments); }), expected);
  const auto executable = compile(graph);
  EXPECT_EQ(message_of([&] { ir::interpret_plan(executable->plan(), arguments); }), expected);
  EXPECT_EQ(message_of([&] { executable->run({arguments[0], arguments[1]}); }), expected);
  expect_as_interpreted(graph, {random_array({6, 5}, 1), mask_of(6, Mask::Last, 0)});
}

TEST(Counted, DonatedMemoryIsWrittenBehindTheCount) {
  const auto graph = program([](Graph&, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    return Values{x * 2.0 + 1.0, ops::sum(c, {0}),
                  ops::counted_range(ops::sum(ops::cast(mask, DType::i64), {}) * 3, B)};
  });
  const auto executable = compile(graph, {.donations = {{0, 0}}});
  ASSERT_EQ(ir::find_plan_fault(executable->plan()), std::nullopt);
  for (Mask mask : kMasks) {
    HostArray x = random_array({7, 5}, 1);
    const HostArray before = x.clone(), rows = mask_of(7, mask, 1);
    std::vector<HostArray> arguments{std::move(x), rows};
    try {
      const auto found = executable->run(std::move(arguments));
      EXPECT_EQ(first_difference(ir::interpret(*graph, std::vector{before, rows}), found), std::nullopt);
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), "E0146");
      EXPECT_TRUE(arguments[0].same_bits(before)) << "a run that fails changes nothing";
    }
  }
}

/// What parsing or the verifier says of a program.
std::string fault_of(const std::string& text) {
  const auto graph = ir::parse_graph(text, ops::op_table());
  if (!graph.ok()) return message_of([&] { throw graph.error(); });
  const auto fault = ir::find_graph_fault(**graph);
  return fault ? fault->what : "";
}

TEST(Counted, TheTextSaysWhatIsCounted) {
  const auto text = [](const std::string& facts, const std::string& body) {
    return "func @f(%n: i64[], %x: f32[B]) -> i64[] where " + facts + " {\n" + body + "  return %n\n}\n";
  };
  const std::string count = "  %0 = counted_range %n {symbol = [N], capacity = [B*2]} : i64[N]\n",
                    ones = "  %1 = broadcast %n {shape = [N], axes = []} : i64[N]\n";
  EXPECT_EQ(fault_of(text("N in [0, B*2] counted", count + ones)), "");
  EXPECT_EQ(ir::print_graph(**ir::parse_graph(text("N in [0, B*2] counted", count), ops::op_table())),
            text("N in [0, B*2] counted", count));
  EXPECT_EQ(fault_of(text("N in [0, B*2] counted", ones + count)), "it names N, which is counted behind it");
  EXPECT_EQ(
      fault_of(text("N in [0, B] counted", count)),
      "error[E0147]: counted_range: N counts to B already, not to B*2\nnote: operands are i64[]\nnote: at line 2, "
      "column 3");
  EXPECT_EQ(fault_of(text("N in [1, B] counted", count)),
            "error[E0130]: line 1, column 49: a counted dimension can be 0");
  EXPECT_EQ(fault_of(text("N in [0, B]", count)),
            "error[E0130]: line 1, column 56: the highest value is a number, unless the dimension is counted");
  EXPECT_EQ(
      fault_of(text("N % 4 == 0", count)),
      "error[E0147]: counted_range: something is known of N already, which is a count\nnote: operands are i64[]\nnote: "
      "at line 2, column 3");
  EXPECT_EQ(
      fault_of(text("B >= 1", "  %0 = counted_range %n {symbol = [B], capacity = [9]} : i64[B]\n")),
      "error[E0147]: counted_range: B is a dimension of f32[B] already\nnote: operands are i64[]\nnote: at line 2, "
      "column 3");
  EXPECT_EQ(fault_of(text("B >= 1", "  %0 = counted_range %n {symbol = [N*2], capacity = [9]} : i64[N*2]\n")),
            "error[E0116]: counted_range: symbol is one name of a dimension\nnote: operands are i64[]\nnote: at line "
            "2, column "
            "3");
  EXPECT_EQ(fault_of(text("B >= 1", count + "  %1 = neg %n : i64[]\n" +
                                        "  %2 = counted_range %1 {symbol = [N], capacity = [B*2]} : i64[N]\n")),
            "error[E0147]: counted_range: N counts something else already\nnote: operands are i64[]\nnote: at line 4, "
            "column 3");
}

TEST(Counted, AProgramFileCountsLikeTheProgram) {
  const base::TempFolder folder("counted");
  const auto graph = program([](Graph&, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    return Values{ops::exp(c), ops::sum(c, {0}), ops::concat({c, x}, 0)};
  });
  const auto program = compile(graph);
  runtime::write_program(folder.path() + "/p.strata", *program, {});
  const auto file = runtime::read_program(folder.path() + "/p.strata", {.ops = ops::op_table()});
  EXPECT_EQ(ir::print_plan(file.program->plan()), ir::print_plan(program->plan()));
  for (int64_t size : {1, 13, 64})
    for (Mask mask : kMasks) {
      const std::vector<HostArray> arguments{random_array({size, 5}, 1), mask_of(size, mask, 7)};
      const auto expected = program->run({arguments[0], arguments[1]}),
                 found = file.program->run({arguments[0], arguments[1]});
      for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(found[i].same_bits(expected[i])) << size << " " << i;
    }
}

TEST(Counted, ThreadsCountForThemselves) {
  const auto program = compile(compiler::program([](Graph&, Value x, Value mask) {
    const Value c = ops::compact(x, mask);
    return Values{ops::exp(c), ops::sum(c, {0}), ops::nonzero(ops::gt(c, 0.25))};
  }));
  struct Case {
    std::vector<HostArray> arguments, expected;
  };
  std::vector<Case> cases;
  for (uint32_t i = 0; i < 24; ++i) {
    const int64_t size = 1 + i * 7 % 40;
    Case c{{random_array({size, 5}, i), mask_of(size, kMasks[i % 4], i)}, {}};
    c.expected = program->run({c.arguments[0], c.arguments[1]});
    cases.push_back(std::move(c));
  }
  std::atomic<int> differences{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (size_t k = 0; k < 200; ++k) {
        const Case& c = cases[(k * 5 + t * 3) % cases.size()];
        const auto found = program->run({c.arguments[0], c.arguments[1]});
        for (size_t i = 0; i < found.size(); ++i) differences += !found[i].same_bits(c.expected[i]);
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(differences, 0);
}

}  // namespace
}  // namespace strata::compiler
