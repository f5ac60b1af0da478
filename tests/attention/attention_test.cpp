#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "strata/base/error/message_of.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/ir/graph/interpret.h"
#include "tests/attention/attention_program.h"

namespace strata {
namespace {

using namespace attention_test;

size_t commands_of(const Program& p, ir::CommandKind kind) {
  const auto program = compiler::compile(p.graph);
  size_t count = 0;
  for (const ir::PlanCommand& c : program->plan().commands) count += c.kind == kind;
  return count;
}

void expect_near(const std::vector<HostArray>& a, const std::vector<HostArray>& b, double bound,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t r = 0; r < a.size(); ++r) {
    double worst = 0;
    for (int64_t i = 0; i < a[r].elements(); ++i)
      worst = std::max(worst, std::fabs(a[r].get(i) - b[r].get(i)) / (1 + std::fabs(b[r].get(i))));
    EXPECT_LE(worst, bound) << "result " << r << " of " << what;
  }
}

std::vector<Case> cases() {
  std::vector<Case> list{{}, {.options = {}}};
  for (const auto& [queries, keys] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 100}, {17, 130}, {64, 64}, {65, 129}, {130, 40}})
    list.push_back({.queries = queries, .keys = keys});
  list.push_back({.batch = 2, .heads = 6, .key_heads = 3, .queries = 64, .keys = 64, .depth = 64});
  list.push_back({.depth = 1, .options = {.is_causal = true, .key_block = 16}});
  list.push_back({.depth = 5, .options = {.is_causal = true, .scale = -0.7, .window = 20}});
  list.push_back({.options = {.window = 9, .key_block = 7}});
  list.push_back({.options = {.is_causal = true, .soft_cap = 2.5}});
  for (const auto mask : {Case::Bool, Case::Float, Case::Row})
    list.push_back({.options = {.is_causal = mask != Case::Bool}, .mask = mask, .has_factor = mask == Case::Float});
  list.push_back({.queries = 20, .keys = 20, .options = {.is_causal = true, .key_block = 1}});
  // Chains that are joined: of keys, of channels.
  list.push_back({.queries = 20, .keys = 310, .options = {.is_causal = true, .key_block = 300}});
  list.push_back({.heads = 1, .key_heads = 1, .queries = 20, .keys = 30, .depth = 270});
  list.push_back({.has_sinks = true});
  list.push_back({.batch = 2, .has_segments = true});
  list.push_back({.options = {}, .mask = Case::Float, .has_sinks = true, .has_segments = true});
  list.push_back({.dtype = DType::f64});
  return list;
}

TEST(Attention, IsTheFormulaWithItsGradientsOfEveryOperand) {
  for (Case c : cases()) {
    Program blocks(c), plain(c, true);
    blocks.add_gradients();
    plain.add_gradients();
    expect_near(run(blocks), ir::interpret(*plain.graph, plain.arguments), c.dtype == DType::f64 ? 1e-12 : 2e-5,
                c.str());
  }
}

TEST(Attention, IsOneKernelAndItsGradientsAreTwo) {
  Program forward({.queries = 128, .keys = 128});
  EXPECT_EQ(commands_of(forward, ir::CommandKind::Host), 0u);
  EXPECT_EQ(commands_of(forward, ir::CommandKind::Kernel), 1u);
  Program both({.queries = 128, .keys = 128});
  both.add_gradients();
  EXPECT_EQ(commands_of(both, ir::CommandKind::Host), 0u);
  EXPECT_EQ(commands_of(both, ir::CommandKind::Kernel), 4u) << "forward, delta, queries, keys with values";
}

TEST(Attention, ItsKernelsHaveTheBitsOfTheStepsOneByOne) {
  for (const Case& c : cases()) {
    Program p(c);
    p.add_gradients();
    EXPECT_EQ(commands_of(p, ir::CommandKind::Host), 0u) << c.str();
    const auto found = run(p);
    expect_same_bits(found, run(p, {.disabled_passes = {"lane-loops"}}), c.str());
    for (const uint64_t variation : {1, 2, 3})
      expect_same_bits(found, run(p, {.schedule_variation = variation}),
                       fmt::format("{}, variation {}", c.str(), variation));
  }
}

TEST(Attention, HasTheSameBitsForEachNumberOfThreads) {
  Program p({.heads = 3, .key_heads = 3, .queries = 200, .keys = 200, .depth = 16});
  p.add_gradients();
  base::ThreadPool& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  pool.set_thread_count(1);
  const auto one = run(p);
  pool.set_thread_count(3);
  const auto three = run(p);
  pool.set_thread_count(before);
  expect_same_bits(one, three, "one and three threads");
}

/// Rows first..last of axis 2.
HostArray rows_of(const HostArray& x, int64_t first, int64_t last) {
  const auto& s = x.shape();
  HostArray part(x.dtype(), {s[0], s[1], last - first, s[3]});
  int64_t to = 0;
  for (int64_t i = 0; i < s[0] * s[1]; ++i)
    for (int64_t e = first * s[3]; e < last * s[3]; ++e) part.set(to++, x.get(i * s[2] * s[3] + e));
  return part;
}

TEST(Attention, APromptInPiecesHasTheBitsOfTheWhole) {
  Program whole({.queries = 150, .keys = 150});
  const HostArray expected = run(whole)[0];
  for (const auto& [first, last] : {std::pair<int64_t, int64_t>{0, 33}, {33, 34}, {34, 128}, {128, 150}}) {
    Program piece({.queries = last - first, .keys = last});
    piece.arguments = {rows_of(whole.arguments[0], first, last), rows_of(whole.arguments[1], 0, last),
                       rows_of(whole.arguments[2], 0, last)};
    EXPECT_TRUE(run(piece)[0].same_bits(rows_of(expected, first, last))) << first << " to " << last;
  }
}

TEST(Attention, APackedSequenceThatBeginsAtABlockHasTheBitsThatItHasAlone) {
  Program packed({.queries = 100, .keys = 100, .has_segments = true});  // the third begins at 64
  const HostArray found = run(packed)[0];
  Program alone({.queries = 36, .keys = 36});
  for (int i = 0; i < 3; ++i) alone.arguments[i] = rows_of(packed.arguments[i], 64, 100);
  EXPECT_TRUE(run(alone)[0].same_bits(rows_of(found, 64, 100)));
}

TEST(Attention, ALengthThatIsASymbolGivesTheBitsOfItsNumber) {
  for (const int64_t length : {1, 7, 64, 100, 200}) {
    Program fixed({.queries = length, .keys = length});
    fixed.add_gradients();
    auto graph = std::make_shared<Graph>("symbolic");
    const Type t = Type::of(DType::f32, {1, 2, Dim::symbol("T"), 8});
    Values p;
    for (int i = 0; i < 4; ++i) p.push_back(graph->add_parameter(t));
    Values results{ops::attention(p[0], p[1], p[2], Value{}, {.is_causal = true})};
    for (const Value& g : transform::append_vjp(*graph, {results.data(), 1}, {&p[3], 1}, {p.data(), 3}))
      results.push_back(g);
    graph->set_results(results);
    expect_same_bits(run(fixed), compiler::compile(graph)->run(std::vector(fixed.arguments)), std::to_string(length));
  }
}

TEST(Attention, ALargeBiasBehindTheLastQueryTouchesNoGradient) {
  Program p({.queries = 70, .keys = 70, .mask = Case::Row});
  for (int64_t key = 0; key < 140; ++key) p.arguments[3].set(key, 4.0 * static_cast<double>(key % 70));
  p.add_gradients();
  for (const HostArray& r : run(p))
    for (int64_t i = 0; i < r.elements(); ++i) ASSERT_TRUE(std::isfinite(r.get(i)));
}

TEST(Attention, ASinkOfMinusInfinityIsNone) {
  Program with({.has_sinks = true}), without({});
  for (int64_t h = 0; h < 2; ++h) with.arguments[3].set(h, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(are_same(run(with)[0], run(without)[0]));
}

TEST(Attention, NaNGoesWhereTheFormulaSendsIt) {
  Program p({.queries = 70, .keys = 70});
  p.add_gradients();
  p.arguments[0].set(3 * 8 + 1, std::numeric_limits<double>::quiet_NaN());  // query 3 of head 0
  const auto found = run(p);
  for (int64_t row = 0; row < 70; ++row) EXPECT_EQ(std::isnan(found[0].get(row * 8)), row == 3) << row;
  expect_same_bits(found, run(p, {.disabled_passes = {"lane-loops"}}), "with NaN");
}

TEST(Attention, WrongOperandsAndOptionsAreRefusedInItsWords) {
  Graph graph("refused");
  const auto f32 = [&](std::vector<Dim> shape) { return graph.add_parameter(Type::of(DType::f32, shape)); };
  const Value q = f32({1, 4, 5, 8}), k = f32({1, 2, 5, 8});
  const auto refusal = [&](const std::function<void()>& call) {
    const std::string message = base::message_of(call);
    return message.substr(0, message.find('\n'));
  };
  const auto with = [&](Value factor, Value sinks, Value segments, const ops::AttentionOptions& options = {}) {
    return refusal([=] { ops::attention(q, k, k, Value{}, options, factor, sinks, segments); });
  };
  EXPECT_EQ(with({}, f32({2}), {}), "error[E0101]: attention: sinks are floats [4], one a query head, found f32[2]");
  EXPECT_EQ(with({}, {}, f32({1, 5})), "error[E0101]: attention: segments are integers [1,5], found f32[1,5]");
  const Value ids = graph.add_parameter(Type::of(DType::i32, {1, 5}));
  EXPECT_EQ(with(ids, {}, {}), "error[E0100]: attention: the factor is of floats, found i32[1,5]");
  EXPECT_EQ(with({}, {}, {}, {.window = -1}),
            "error[E0116]: attention: window is -1, expected an integer from 0 to 1073741824");
  EXPECT_EQ(with({}, {}, {}, {.key_block = 0}),
            "error[E0116]: attention: key_block is 0, expected an integer from 1 to 1073741824");
}

TEST(Attention, SecondDerivativesAreThoseOfTheFormula) {
  std::vector<Case> list{{.queries = 9, .keys = 9, .depth = 4, .options = {.is_causal = true, .key_block = 4}},
                         {.queries = 6, .keys = 11, .depth = 3, .options = {.soft_cap = 1.5, .key_block = 4}},
                         {.queries = 5,
                          .keys = 5,
                          .options = {.window = 2, .key_block = 2},
                          .mask = Case::Float,
                          .has_factor = true,
                          .has_sinks = true}};
  for (Case c : list) {
    c.dtype = DType::f64;
    Program blocks(c), plain(c, true);
    add_second_order(blocks);
    add_second_order(plain);
    expect_near(run(blocks), ir::interpret(*plain.graph, plain.arguments), 1e-9, c.str());
  }
}

int64_t scratch_of(int64_t length, const std::function<void(Program&)>& more) {
  Program p({.heads = 1, .key_heads = 1, .queries = length, .keys = length, .depth = 16});
  more(p);
  std::vector<std::vector<int64_t>> shapes;
  for (const HostArray& a : p.arguments) shapes.emplace_back(a.shape().begin(), a.shape().end());
  const auto use = compiler::compile(p.graph)->memory_use(shapes);
  return use.arena_bytes + use.region_bytes;
}

TEST(Attention, MemoryGrowsWithTheLengthAndNotWithItsSquare) {
  const std::function<void(Program&)> programs[] = {[](Program&) {}, [](Program& p) { p.add_gradients(); },
                                                    add_second_order};
  for (const auto& more : programs) {
    const int64_t at_512 = scratch_of(512, more), at_2048 = scratch_of(2048, more);
    EXPECT_LE(at_2048, 5 * at_512 + 65536) << at_512;
  }
}

}  // namespace
}  // namespace strata
