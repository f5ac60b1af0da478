// Programs whose weights are constants: what is prepared of them gives the bits of programs that pack in each run, is
// shared, follows the weights, and goes with them.
#include <gtest/gtest.h>

#include <atomic>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/eight_threads.h"
#include "strata/compiler/testing/programs.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/runtime/execute/prepared.h"
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
using runtime::prepared_bytes;
using Program = std::shared_ptr<const runtime::Executable>;

constexpr int kX = 0, kW = 1, kB = 2;

/// tanh(x wᵀ + b²): x [rows, 40], w [100, 40], b [100].
std::shared_ptr<Graph> layer(Dim rows) {
  auto graph = std::make_shared<Graph>("layer");
  const Value x = graph->add_parameter(f32({rows, 40}), "x"), w = graph->add_parameter(f32({100, 40}), "w"),
              b = graph->add_parameter(f32({100}), "b");
  graph->set_results({ops::tanh(ops::dot(x, w, {{1}, {1}, {}, {}}) + ops::broadcast_to(b * b, {rows, Dim(100)}))});
  return graph;
}
Program prepared(Dim rows) { return compile(layer(rows), {.constants = {kW, kB}}); }

struct Weights {
  HostArray w = random_array({100, 40}, 1), b = random_array({100}, 2);
};
std::vector<HostArray> arguments_of(int64_t rows, const Weights& weights) {
  return {random_array({rows, 40}, rows), weights.w, weights.b};
}
/// A panel holds so many columns that 100 of them are rounded up to a multiple.
int64_t panel_bytes(const Program& p) {
  int64_t bytes = 0;
  for (const ir::PlanPrologue& part : p->plan().prologue) {
    const Type type = part.plan->buffers[part.plan->results[0]].type;
    if (type.rank() == 3) bytes += type.bytes().constant();
  }
  return bytes;
}

TEST(PreparedWeights, GiveTheBitsOfWeightsThatArePackedInEachRun) {
  const auto rows = Dim::symbol("B");
  const Program each_time = compile(layer(rows)), once = prepared(rows);
  ASSERT_EQ(once->plan().prologue.size(), 2u) << ir::print_plan(once->plan());
  EXPECT_TRUE(each_time->plan().prologue.empty());
  const Weights weights;
  for (int64_t n : {1, 2, 4, 5, 9, 0, 64, 1}) {
    const auto found = once->run(arguments_of(n, weights)), expected = each_time->run(arguments_of(n, weights));
    EXPECT_TRUE(found[0].same_bits(expected[0])) << n;
  }
}

TEST(PreparedWeights, OfABatchOfProductsLieInPanelsWhoseLinesGoThroughAllMatrices) {
  auto graph = std::make_shared<Graph>("batch");
  const Value x = graph->add_parameter(f32({3, 2, Dim::symbol("B"), 20}), "x"),
              w = graph->add_parameter(f32({3, 2, 20, 50}), "w");
  graph->set_results({ops::dot(x, w, {{3}, {2}, {0, 1}, {0, 1}})});
  const Program once = compile(graph, {.constants = {1}}), each_time = compile(graph);
  ASSERT_EQ(once->plan().prologue.size(), 1u);
  const std::vector<HostArray> arguments = {random_array({3, 2, 9, 20}, 1), random_array({3, 2, 20, 50}, 2)};
  EXPECT_TRUE(once->run(std::vector(arguments))[0].same_bits(each_time->run(std::vector(arguments))[0]));
}

TEST(PreparedWeights, AreKeptThoughTheyAreLargerWhereAProductReadsThem) {
  auto graph = std::make_shared<Graph>("outer");
  const Value x = graph->add_parameter(f32({Dim::symbol("B"), 40}), "x"), w = graph->add_parameter(f32({40}), "w");
  const std::vector<Dim> square{40, 40};
  const std::vector<int64_t> rows{0}, columns{1};
  const Value outer = ops::broadcast(w, square, rows) * ops::broadcast(w, square, columns);
  graph->set_results({ops::matmul(x, outer)});
  EXPECT_EQ(compile(graph, {.constants = {1}})->plan().prologue.size(), 1u);
}

TEST(PreparedWeights, AreMadeOnceAndSharedByAllProgramsOfTheSameWeights) {
  const int64_t before = prepared_bytes();
  const Program symbolic = prepared(Dim::symbol("B")), of_three = prepared(3);
  {
    const Weights weights;
    EXPECT_EQ(prepared_bytes(weights.w), 0);
    symbolic->run(arguments_of(5, weights));
    EXPECT_EQ(prepared_bytes(weights.w), panel_bytes(symbolic));
    EXPECT_GE(prepared_bytes(weights.w), weights.w.bytes());
    EXPECT_EQ(prepared_bytes(weights.b), weights.b.bytes());
    const int64_t after = prepared_bytes();
    symbolic->run(arguments_of(7, weights));
    of_three->run(arguments_of(3, weights));
    EXPECT_EQ(prepared_bytes(), after);
    const Weights others;
    of_three->run(arguments_of(3, others));
    EXPECT_EQ(prepared_bytes(), after + (after - before));
  }
  EXPECT_EQ(prepared_bytes(), before) << "they go with the weights";
}

TEST(PreparedWeights, FollowTheWeightsWhereADonationWritesOverThem) {
  const Program once = prepared(4), each_time = compile(layer(4));
  auto graph = std::make_shared<Graph>("update");
  graph->set_results({graph->add_parameter(f32({100, 40})) * 0.5});
  const Program update = compile(graph, {.donations = {{0, 0}}});
  Weights weights;
  weights.w = compile([] {
                auto g = std::make_shared<Graph>("make");
                g->set_results({g->add_parameter(f32({100, 40})) + 0.25});
                return g;
              }())
                  ->run({weights.w})[0];
  for (int step = 0; step < 3; ++step) {
    const auto found = once->run(arguments_of(4, weights)), expected = each_time->run(arguments_of(4, weights));
    EXPECT_TRUE(found[0].same_bits(expected[0])) << step;
    EXPECT_GT(prepared_bytes(weights.w), 0);
    const std::byte* memory = weights.w.data();
    std::vector<HostArray> given;
    given.push_back(std::move(weights.w));
    weights.w = update->run(std::move(given))[0];
    EXPECT_EQ(weights.w.data(), memory) << "in place: the memory is the same, what is in it is not";
    EXPECT_EQ(prepared_bytes(weights.w), 0);
  }
}

TEST(PreparedWeights, FollowTheWeightsWhereTheirOwnerSaysThatHeWrote) {
  const Program once = prepared(4), each_time = compile(layer(4));
  Weights weights;
  once->run(arguments_of(4, weights));
  weights.w.set(7, 3.0);
  runtime::note_written(weights.w);
  EXPECT_TRUE(once->run(arguments_of(4, weights))[0].same_bits(each_time->run(arguments_of(4, weights))[0]));
}

TEST(PreparedWeights, OfAnotherShapeOrDtypeAreRefusedBeforeAnythingIsPrepared) {
  const Program once = prepared(Dim::symbol("B"));
  const Weights weights;
  const int64_t before = prepared_bytes();
  auto wrong = arguments_of(3, weights);
  wrong[kW] = random_array({99, 40}, 1);
  EXPECT_NE(message_of([&] { once->run(std::vector(wrong)); })
                .find("error[E0110]: layer: argument 1 should be "
                      "f32[100,40], found f32[99,40]"),
            std::string::npos);
  wrong[kW] = HostArray(DType::f64, {100, 40});
  EXPECT_NE(message_of([&] { once->run(std::vector(wrong)); }).find("error[E0110]: layer: argument 1"),
            std::string::npos);
  wrong.pop_back();
  EXPECT_NE(message_of([&] { once->run(std::vector(wrong)); }).find("takes 3 arguments, found 2"), std::string::npos);
  EXPECT_EQ(prepared_bytes(), before);
}

TEST(PreparedWeights, ThatAreDonatedAreNoConstants) {
  auto graph = layer(4);
  std::vector<Value> results(graph->results().begin(), graph->results().end());
  results.push_back(graph->parameter(kW) * 2.0);
  graph->set_results(results);
  const Program p = compile(graph, {.donations = {{1, kW}}, .constants = {kW}});
  EXPECT_TRUE(p->plan().prologue.empty());
  EXPECT_NE(message_of([&] { compile(layer(4), {.constants = {3}}); }).find("error[E0116]"), std::string::npos);
}

TEST(PreparedWeights, StandAloneOnceTheirOwnerHandsThemOver) {
  const Program once = prepared(Dim::symbol("B")), each_time = compile(layer(Dim::symbol("B")));
  Weights weights;
  EXPECT_FALSE(runtime::hand_over(weights.w)) << "nothing was made of it";
  const auto expected = once->run(arguments_of(6, weights));
  const int64_t bytes = prepared_bytes(weights.w);
  {
    const HostArray other = weights.w;
    EXPECT_FALSE(runtime::hand_over(weights.w)) << "somebody else holds it";
  }
  ASSERT_TRUE(runtime::hand_over(weights.w));
  EXPECT_TRUE(runtime::is_handed_over(weights.w));
  EXPECT_EQ(prepared_bytes(weights.w), bytes);
  EXPECT_TRUE(once->run(arguments_of(6, weights))[0].same_bits(expected[0]));
  EXPECT_NE(message_of([&] {
              each_time->run(arguments_of(6, weights));
            }).find("error[E0335]: layer: argument 1 (w) was handed over to its prepared forms"),
            std::string::npos);
  auto other = std::make_shared<Graph>("other");
  const Value x = other->add_parameter(f32({5, 100})), w = other->add_parameter(f32({100, 40}));
  other->set_results({ops::matmul(x, w)});
  const Program other_form = compile(other, {.constants = {1}});
  EXPECT_NE(message_of([&] { other_form->run({random_array({5, 100}, 1), weights.w}); }).find("error[E0335]"),
            std::string::npos);
  weights.w = HostArray();
  EXPECT_EQ(prepared_bytes(weights.b), weights.b.bytes()) << "of the others nothing is lost";
}

TEST(PreparedWeights, PlansHaveVariantsForFewRowsWhichPrintAndAreInterpreted) {
  const Program once = prepared(Dim::symbol("B"));
  size_t variants = 0;
  for (const ir::PlanCommand& c : once->plan().commands) variants += c.variants.size();
  EXPECT_EQ(variants, 2u);
  const std::string text = ir::print_plan(once->plan());
  const auto again = ir::parse_plan(text, ops::op_table()).value();
  EXPECT_EQ(ir::print_plan(*again), text);
  EXPECT_EQ(ir::find_plan_fault(*again), std::nullopt);
  const Weights weights;
  const auto arguments = arguments_of(3, weights);
  const auto found = once->run(std::vector(arguments)), expected = ir::interpret_plan(*again, arguments);
  for (int64_t i = 0; i < found[0].elements(); ++i) EXPECT_NEAR(found[0].get(i), expected[0].get(i), 1e-5);
}

TEST(PreparedWeights, AVerifiedPlanHasAPrologueOfItsOwnArguments) {
  const auto fault_of = [](const std::function<void(ir::Plan&)>& change) {
    const Program p = prepared(4);
    ir::Plan plan = p->plan();
    change(plan);
    return ir::find_plan_fault(plan).value_or("none");
  };
  EXPECT_EQ(fault_of([](ir::Plan&) {}), "none");
  EXPECT_EQ(fault_of([](ir::Plan& p) { p.prologue[0].from = {3}; }),
            "part 0 of the prologue reads an argument that nobody gives");
  EXPECT_EQ(fault_of([](ir::Plan& p) { p.prologue[0].from = {0}; }),
            "part 0 of the prologue reads argument 0, whose type is another");
  EXPECT_EQ(fault_of([](ir::Plan& p) { p.prologue[0].from.clear(); }),
            "part 0 of the prologue is no program of one result on its arguments");
  EXPECT_EQ(fault_of([](ir::Plan& p) { std::swap(p.prologue[0], p.prologue[1]); }).substr(0, 44),
            "part 0 of the prologue makes another type th");
  EXPECT_EQ(fault_of([](ir::Plan& p) { p.commands.back().variants.push_back({Dim(1), 1, 99}); }),
            "a variant names a kernel that isn't there");
}

TEST(PreparedWeights, AProgramFileCarriesItsPrologueAndVariants) {
  const base::TempFolder folder("prepared");
  const std::string path = folder.path() + "/layer.strata";
  const Program once = prepared(Dim::symbol("B"));
  runtime::write_program(path, *once);
  const auto file = runtime::read_program(path, {.ops = ops::op_table()});
  EXPECT_EQ(file.recompiled, "");
  EXPECT_EQ(ir::print_plan(file.program->plan()), ir::print_plan(once->plan()));
  const Weights weights;
  const auto expected = once->run(arguments_of(1, weights));
  const int64_t bytes = prepared_bytes();
  EXPECT_TRUE(file.program->run(arguments_of(1, weights))[0].same_bits(expected[0]));
  EXPECT_EQ(prepared_bytes(), bytes) << "programs of files share what is prepared";
}

TEST(PreparedWeights, EightThreadsWithRandomBindingsGiveTheSerialBits) {
  const Program once = prepared(Dim::symbol("B")), each_time = compile(layer(Dim::symbol("B")));
  const Weights weights;
  constexpr int64_t kMostRows = 40;
  std::vector<HostArray> expected;
  for (int64_t n = 0; n < kMostRows; ++n) expected.push_back(each_time->run(arguments_of(n, weights))[0]);
  std::atomic<int> wrong{0};
  in_eight_threads([&](std::mt19937& bits) {
    const int64_t n = bits() % kMostRows;
    wrong += !once->run(arguments_of(n, weights))[0].same_bits(expected[n]);
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(prepared_bytes(weights.w), panel_bytes(once)) << "made once, by whichever thread came first";
}

}  // namespace
}  // namespace strata::compiler
