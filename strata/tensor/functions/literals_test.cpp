// Literals of any size, in any place: what is small stands in the kernels' expressions, what is large is data of the
// plan, and both give the bits that the same numbers give as arguments.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/transform/vmap.h"

namespace strata {
namespace {

using ir::Graph;
using ir::GraphRef;
using ir::Type;
using ir::Value;
using Values = std::vector<Value>;

HostArray counted(DType dtype, std::vector<int64_t> shape) {
  HostArray a(dtype, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set_int(i, (i * 7 + 3) % (is_bool(dtype) ? 2 : 100));
  return a;
}

/// The program with literals in place of the marked arguments, in the order of `arguments`.
std::shared_ptr<Graph> with_literals(const Graph& graph, const std::vector<HostArray>& arguments, unsigned marked) {
  auto result = std::make_shared<Graph>("literals");
  Values values;
  for (size_t i = 0; i < arguments.size(); ++i)
    values.push_back(marked >> i & 1 ? ops::constant(*result, arguments[i])
                                     : result->add_parameter(graph.parameters()[i]->type()));
  result->set_results(ir::inline_graph(graph, *result, values));
  return result;
}

/// The same program once more, as the first branch of a cond whose regions hold the literals.
std::shared_ptr<Graph> within_a_region(const std::shared_ptr<Graph>& inner) {
  auto result = std::make_shared<Graph>("outer");
  Values operands{ops::cast(result->add_parameter(Type::scalar(DType::i32)), DType::boolean)};
  for (const ir::Node* p : inner->parameters()) operands.push_back(result->add_parameter(p->type()));
  const GraphRef regions[] = {inner, inner};
  result->set_results(ops::results_of(*result->add(ops::kCond, operands, {}, regions)));
  return result;
}

void expect_same_as_arguments(const std::shared_ptr<Graph>& graph, const std::vector<HostArray>& arguments) {
  const auto expected = compiler::compile(graph)->run(std::vector(arguments));
  unsigned encoded = 0;  // literals are plain
  for (size_t i = 0; i < arguments.size(); ++i) encoded |= unsigned{arguments[i].is_encoded()} << i;
  for (unsigned marked = 1; marked < 1u << arguments.size(); ++marked) {
    if (marked & encoded) continue;
    const auto literal = with_literals(*graph, arguments, marked);
    std::vector<HostArray> rest;
    for (size_t i = 0; i < arguments.size(); ++i)
      if (!(marked >> i & 1)) rest.push_back(arguments[i]);
    auto difference = compiler::first_difference(expected, compiler::compile(literal)->run(std::vector(rest)));
    EXPECT_FALSE(difference) << *difference << ", literals " << marked;
    if (marked != (1u << arguments.size()) - 1) continue;
    rest.insert(rest.begin(), HostArray::scalar(DType::i32, 1));
    difference =
        compiler::first_difference(expected, compiler::compile(within_a_region(literal))->run(std::move(rest)));
    EXPECT_FALSE(difference) << *difference << ", within a region";
  }
}

TEST(LiteralsSlow, AnyOperandOfAnyOpOverABatch) {
  for (const ir::Op* op : ops::all_ops()) {
    if (!op->samples || !op->vmap || op->operands_min == 0) continue;
    SCOPED_TRACE(op->name);
    std::set<std::string> seen;
    for (const ir::Sample& sample : op->samples.fn()) {
      const auto one = ops::sample_graph(*op, sample);
      if (!one->parameters().empty() && (one->parameters().size() > 3 || seen.size() >= 2)) continue;
      std::string shapes;
      for (const ir::Node* p : one->parameters()) shapes += std::string(p->type().str()).substr(3);
      if (!seen.insert(shapes).second) continue;
      constexpr int64_t kBatch = 13;
      const auto all = std::make_unique<bool[]>(one->parameters().size());
      std::fill_n(all.get(), one->parameters().size(), true);
      const std::shared_ptr<Graph> batch = transform::vmap(*one, {all.get(), one->parameters().size()}, kBatch);
      std::vector<HostArray> arguments;
      for (size_t i = 0; i < one->parameters().size(); ++i) {
        std::vector<HostArray> lanes;
        for (uint64_t b = 0; b < kBatch; ++b) lanes.push_back(ops::sample_arrays(sample, b)[i]);
        std::vector<int64_t> shape = lanes[0].shape();
        shape.insert(shape.begin(), kBatch);
        HostArray array(lanes[0].encoding(), shape);
        for (int64_t b = 0; b < kBatch; ++b)
          std::copy_n(lanes[b].data(), lanes[b].bytes(), array.data() + b * lanes[b].bytes());
        arguments.push_back(std::move(array));
      }
      expect_same_as_arguments(batch, arguments);
    }
  }
}

constexpr int64_t kSizes[] = {1, 2, 16, 17, 18, 64, 1000};

TEST(Literals, OfAnyDtypeAndSizeAreResultsAndOperands) {
  for (const DType dtype : ir::kAllDTypes)
    for (const int64_t n : kSizes) {
      SCOPED_TRACE(std::string(ir::dtype_name(dtype)) + " " + std::to_string(n));
      auto graph = std::make_shared<Graph>("f");
      const Value x = graph->add_parameter(Type::of(dtype, {n})), i = graph->add_parameter(Type::of(DType::i32, {2}));
      const Value moved = ops::reverse(ops::concat({ops::reshape(x, {1, n}), ops::reshape(x, {1, n})}, 0), {1});
      graph->set_results({x, ops::reshape(x, {n, 1}), moved, ops::eq<Value>(x, x), ops::take(x, i, 0),
                          ops::pad_zero(x, {{1, 2, 1}}), ops::cast(x, DType::f32)});
      HostArray at(DType::i32, {2});
      at.set(0, n / 2), at.set(1, n - 1);
      expect_same_as_arguments(graph, {counted(dtype, {n}), at});
    }
}

TEST(Literals, OfAMillionElementsAreDataOfThePlan) {
  auto graph = std::make_shared<Graph>("f");
  const Value x = graph->add_parameter(Type::of(DType::f32, {1000000})),
              y = graph->add_parameter(Type::of(DType::f32, {1000000}));
  graph->set_results({ops::reduce_sum(x * y + x, {0}), x});
  expect_same_as_arguments(graph, {counted(DType::f32, {1000000}), counted(DType::f32, {1000000})});
}

TEST(Literals, StandInTheRegionsOfLoops) {
  auto graph = std::make_shared<Graph>("f");
  const Value x = graph->add_parameter(Type::of(DType::f32, {40})),
              w = graph->add_parameter(Type::of(DType::f32, {40}));
  const auto body = [](Graph& g, const Values& p) {
    const Value c = ops::constant(g, counted(DType::f32, {40}));
    return Values{p[1] * 0.5 + p[0] * c, p[1] + c};
  };
  const ops::ScanResults made = ops::scan({.constants = {w}, .carries = {x}, .xs = {}}, 3, body);
  graph->set_results({made.carries[0], made.ys[0]});
  const std::vector<HostArray> arguments{counted(DType::f32, {40}), counted(DType::f32, {40})};
  expect_same_as_arguments(graph, arguments);
  EXPECT_FALSE(compiler::first_difference(ir::interpret(*graph, arguments),
                                          compiler::compile(graph)->run(std::vector(arguments))));
}

/// Folding must not make arrays of what is written down as a number.
TEST(Literals, ASplatOfABillionElementsIsNotMade) {
  auto graph = std::make_shared<Graph>("f");
  const Type huge = Type::of(DType::f32, {1000, 1000, 1000});
  const Value x = ops::full(*graph, huge, 2), y = ops::reshape(ops::transpose(x * 3 + 1, {2, 0, 1}), {1000000, 1000});
  graph->set_results({ops::reduce_max(ops::slice(y, {{0, 2}, {0, 3}}), {0, 1})});
  EXPECT_EQ(compiler::compile(graph)->run({})[0].get(0), 7);
}

/// Whether a literal is taken in each of the ways that there are to write one.
template <class T>
void expect_taken(T literal, DType dtype, bool is_taken) {
  const Tensor x = Tensor::zeros({2}, dtype);
  const std::function<void()> ways[] = {[&] { Tensor::scalar(literal, dtype); },
                                        [&] { full_like(x, literal); },
                                        [&] { x + literal; },
                                        [&] { lt(x, literal); },
                                        [&] { maximum(literal, x); },
                                        [&] { x.at(0).set(literal); },
                                        [&] {
                                          Tensor y = x;
                                          y.at(0) -= literal;
                                        }};
  for (size_t i = 0; i < std::size(ways); ++i) {
    SCOPED_TRACE(std::string(ir::dtype_name(dtype)) + ", way " + std::to_string(i));
    if (is_taken) {
      EXPECT_NO_THROW(ways[i]());
      continue;
    }
    try {
      ways[i]();
      ADD_FAILURE() << "taken";
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), "E0135");
      EXPECT_NE(e.text().find("literals_test.cpp:"), std::string::npos) << e.text();
    }
  }
}

TEST(Literals, WithoutAValueInTheDtypeAreRefusedHoweverTheyAreWritten) {
  for (const DType t : {DType::u8, DType::u16, DType::u32, DType::u64}) {
    expect_taken(-1, t, false);
    expect_taken(-1.0, t, false);
    expect_taken(UINT64_MAX, t, t == DType::u64);
    expect_taken(255, t, true);
    expect_taken(300, t, t != DType::u8);
  }
  for (const DType t : {DType::i8, DType::i16, DType::i32, DType::i64}) {
    expect_taken(-1, t, true);
    expect_taken(UINT64_MAX, t, false);
    expect_taken(uint64_t{1} << 63, t, false);
    expect_taken(INT64_MIN, t, t == DType::i64);
  }
  for (const DType t : {DType::i8, DType::i32, DType::i64, DType::u8, DType::u64}) {
    for (const double bad : {1.5, std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300, 0x1p64}) expect_taken(bad, t, false);
    expect_taken(7.0, t, true);
    expect_taken(-0.0, t, true);
  }
  for (const double any : {1.5, std::nan(""), HUGE_VAL, -1.0}) expect_taken(any, DType::f32, true);
}

TEST(Literals, KeepAllTheirBits) {
  EXPECT_EQ(Tensor::scalar(UINT64_MAX, DType::u64).data<uint64_t>()[0], UINT64_MAX);
  EXPECT_EQ(Tensor::scalar((int64_t{1} << 53) + 1, DType::i64).data<int64_t>()[0], (int64_t{1} << 53) + 1);
  EXPECT_EQ((Tensor::zeros({1}, DType::u64) + UINT64_MAX).data<uint64_t>()[0], UINT64_MAX);
  EXPECT_EQ((Tensor::ones({1}) * UINT64_MAX).item(), 0x1p64) << "has the bits of -1";
  EXPECT_EQ((Tensor::ones({1}) * -1).item(), -1) << "behind the largest u64";
  Tensor x = Tensor::zeros({1}, DType::i64);
  x.at(0) -= (int64_t{1} << 53) + 1;
  EXPECT_EQ(x.data<int64_t>()[0], -((int64_t{1} << 53) + 1));
}

TEST(Literals, RopeHasFrequenciesForWideHeads) {
  for (const int64_t channels : {2, 32, 34, 36, 64, 128, 256}) {
    SCOPED_TRACE(channels);
    const Tensor y = rope(Tensor::ones({1, 1, 1, channels}), Tensor::arange(1, 2));
    double expected = 0;
    for (int64_t d = 0; d < channels / 2; ++d) {
      const double angle = std::pow(10000.0, -2.0 * static_cast<double>(d) / static_cast<double>(channels));
      expected += 2 * std::cos(angle);
    }
    EXPECT_NEAR(sum(y).item(), expected, 1e-5 * static_cast<double>(channels));
    const Tensor positions = Tensor::arange(0, 3);
    auto step = jit([&](Tensor x) {
      return grad([&](const Tensor& v) { return sum(rope(v, positions) * rope(v, positions)); }, x);
    });
    const Tensor g = step(Tensor::ones({1, 1, 3, channels}));
    EXPECT_NEAR(sum(g).item(), 2.0 * 3 * static_cast<double>(channels), 1e-3);  // a rotation keeps the norm
  }
}

}  // namespace
}  // namespace strata
