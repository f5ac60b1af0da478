#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "strata/base/error/message_of.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/transform/gradient.h"

namespace strata {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

struct Case {
  int64_t batch = 1, heads = 2, key_heads = 2, queries = 70, keys = 70, depth = 8;
  ops::AttentionOptions options = {.is_causal = true};
  enum Mask : uint8_t { None, Bool, Float, Row } mask = None;
  bool has_factor = false;
  bool has_sinks = false, has_segments = false;
  DType dtype = DType::f32;

  std::string str() const {
    return fmt::format("[{},{}/{},{}x{},{}] causal {} window {} cap {} block {} mask {} factor {} {} {} {}", batch,
                       heads, key_heads, queries, keys, depth, options.is_causal, options.window, options.soft_cap,
                       options.key_block, static_cast<int>(mask), has_factor, has_sinks, has_segments,
                       ir::dtype_name(dtype));
  }
};

struct Program {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>("attention");
  Value q, k, v, mask, factor, sinks, segments, y;
  Values floats;  ///< of the operands
  std::vector<HostArray> arguments;

  Value add(DType dtype, std::vector<Dim> shape, uint32_t seed) {
    const Value p = graph->add_parameter(Type::of(dtype, shape));
    std::vector<int64_t> numbers;
    for (Dim d : shape) numbers.push_back(d.constant());
    const HostArray drawn = compiler::random_array(numbers, seed);
    HostArray a(dtype, numbers);
    for (int64_t i = 0; i < a.elements(); ++i) {
      if (ir::is_bool(dtype))
        a.set_int(i, drawn.get(i) > -0.5);
      else
        a.set(i, drawn.get(i));
    }
    arguments.push_back(std::move(a));
    if (ir::is_float(dtype)) floats.push_back(p);
    return p;
  }

  explicit Program(const Case& c, bool is_plain = false) {
    q = add(c.dtype, {c.batch, c.heads, c.queries, c.depth}, 1);
    k = add(c.dtype, {c.batch, c.key_heads, c.keys, c.depth}, 2);
    v = add(c.dtype, {c.batch, c.key_heads, c.keys, c.depth}, 3);
    if (c.mask == Case::Bool) mask = add(DType::boolean, {c.batch, 1, c.queries, c.keys}, 4);
    if (c.mask == Case::Float) mask = add(c.dtype, {c.heads, c.queries, c.keys}, 4);
    if (c.mask == Case::Row) mask = add(c.dtype, {1, c.heads, 1, c.keys}, 4);
    if (c.has_factor) factor = add(c.dtype, {c.batch, c.heads, c.queries, c.keys}, 5);
    if (c.has_sinks) sinks = add(c.dtype, {c.heads}, 7);
    if (c.has_segments) {
      segments = add(DType::i32, {c.batch, c.keys}, 8);
      for (int64_t i = 0; i < c.batch * c.keys; ++i)
        arguments.back().set_int(i, i % c.keys < 20 ? 3 : i % c.keys < 64 ? 1 : 2);
    }
    y = is_plain ? plain(c) : ops::attention(q, k, v, mask, c.options, factor, sinks, segments);
    graph->set_results({&y, 1});
  }

  /// The formula, over all keys at once.
  Value plain(const Case& c) {
    const auto heads = [&](Value x) {
      const Dim times = c.heads / c.key_heads;
      const std::vector<Dim> apart{c.batch, c.key_heads, times, c.keys, c.depth};
      const std::vector<int64_t> axes{0, 1, 3, 4};
      return ops::reshape(ops::broadcast(x, apart, axes), {c.batch, c.heads, c.keys, c.depth});
    };
    const double scale = c.options.scale.value_or(1 / std::sqrt(static_cast<double>(c.depth)));
    Value s = ops::dot(q, heads(k), {{3}, {3}, {0, 1}, {0, 1}}) * scale;
    if (c.options.soft_cap > 0) s = ops::tanh(s * (1 / c.options.soft_cap)) * c.options.soft_cap;
    if (c.mask == Case::Float || c.mask == Case::Row) s = s + mask;
    const Value row = ops::iota_like(s, DType::i64, 2) + (c.keys - c.queries),
                column = ops::iota_like(s, DType::i64, 3);
    Value seen = ops::ge<Value>(column, 0);
    if (c.options.is_causal) seen = seen & ops::le<Value>(column, row);
    if (c.options.window > 0) seen = seen & ops::gt<Value>(column, row - c.options.window);
    if (c.options.window > 0) seen = seen & ops::lt<Value>(column, row + c.options.window);
    if (c.mask == Case::Bool) seen = seen & ops::broadcast_to(mask, s.shape());
    if (segments) {
      const auto along = [&](int64_t axis) {
        const std::vector<int64_t> axes{0, axis};
        return ops::broadcast(segments, s.shape(), axes);
      };
      seen = seen & ops::eq<Value>(along(2), along(3));
    }
    s = ops::select(seen, s, ops::constant_like(s, -1e30));
    if (sinks) {
      const std::vector<Dim> column{c.batch, c.heads, c.queries, 1};
      const std::vector<int64_t> heads{1};
      s = ops::concat({s, ops::broadcast(sinks, column, heads)}, 3);
    }
    Value weights = ops::slice_axis(ops::softmax(s, 3), 3, {.limit = Dim(c.keys)});
    weights = ops::select(seen, weights, ops::zeros_like(weights));
    if (factor) weights = weights * ops::cast(factor, weights.dtype());
    return ops::dot(weights, heads(v), {{3}, {2}, {0, 1}, {0, 1}});
  }

  /// Results: y, and the gradients of its product with fixed numbers.
  void add_gradients() {
    Values results{y};
    const Value seed = add(y.dtype(), {y.type().shape().begin(), y.type().shape().end()}, 6);
    floats.pop_back();
    for (const Value& g : transform::append_vjp(*graph, {&y, 1}, {&seed, 1}, floats)) results.push_back(g);
    graph->set_results(results);
  }
};

std::vector<HostArray> run(const Program& p, const compiler::CompileOptions& options = {}) {
  return compiler::compile(p.graph, options)->run(std::vector(p.arguments));
}

size_t commands_of(const Program& p, ir::CommandKind kind) {
  const auto program = compiler::compile(p.graph);
  size_t count = 0;
  for (const ir::PlanCommand& c : program->plan().commands) count += c.kind == kind;
  return count;
}

bool are_same(const HostArray& a, const HostArray& b) {
  for (int64_t i = 0; i < a.elements(); ++i) {
    const double x = a.get(i), y = b.get(i);
    if (!(x == y && std::signbit(x) == std::signbit(y)) && !(std::isnan(x) && std::isnan(y))) return false;
  }
  return a.elements() == b.elements();
}

/// Any NaN is any other.
void expect_same_bits(const std::vector<HostArray>& a, const std::vector<HostArray>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t r = 0; r < a.size(); ++r) EXPECT_TRUE(are_same(a[r], b[r])) << "result " << r << " of " << what;
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
  const auto s = x.shape();
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

/// jvp and vjp of <gradient of sum of squares, fixed direction>.
void add_second_order(Program& p) {
  const Value loss = ops::reduce_sum(p.y * p.y, {0, 1, 2, 3});
  const Values first = transform::append_gradient(*p.graph, loss, p.floats);
  Values tangents;
  Value along;
  for (size_t i = 0; i < p.floats.size(); ++i) {
    const auto shape = p.floats[i].type().shape();
    const Value u = p.add(p.floats[i].dtype(), {shape.begin(), shape.end()}, 20 + static_cast<uint32_t>(i));
    p.floats.pop_back();
    tangents.push_back(u);
    ops::Ints axes;
    for (int64_t a = 0; a < u.rank(); ++a) axes.push_back(a);
    const Value term = ops::reduce_sum(first[i] * u, axes);
    along = along ? along + term : term;
  }
  Values results = transform::append_jvp(*p.graph, first, p.floats, tangents);
  for (const Value& g : transform::append_gradient(*p.graph, along, p.floats)) results.push_back(g);
  p.graph->set_results(results);
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
