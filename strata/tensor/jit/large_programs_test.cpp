// Programs that are large in count: hundreds of arrays joined, steps unrolled, results returned, conds nested. What
// bounds their time and memory is counted here (kernels to compile, graphs kept), since a test must not read the clock.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

/// f64[shape] of first, first + 1, ...
Tensor counted(std::vector<int64_t> shape, double first) {
  HostArray a(DType::f64, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, first + static_cast<double>(i));
  return Tensor(a);
}

/// Kernels that the program had compiled: those of equal name are one.
size_t different_kernels(const runtime::Executable& program) {
  const auto& names = program.plan().kernels;
  return std::set<std::string>(names.begin(), names.end()).size();
}

struct Join {
  int64_t count, axis;
};

/// Parts [2, k] or [k, 3], with k from 0 to 3.
std::vector<Tensor> parts_for(const Join& join) {
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < join.count; ++i) {
    const int64_t extent = i % 4;
    parts.push_back(join.axis == 0 ? counted({extent, 3}, 10.0 * static_cast<double>(i))
                                   : counted({2, extent}, 10.0 * static_cast<double>(i)));
  }
  return parts;
}

/// Element by element, where the result is [rows, columns].
void expect_joined(const Tensor& joined, const std::vector<Tensor>& parts, int64_t axis) {
  const auto columns = joined.array().shape()[1];
  int64_t first = 0;
  for (const Tensor& part : parts) {
    const auto& shape = part.array().shape();
    for (int64_t r = 0; r < shape[0]; ++r)
      for (int64_t c = 0; c < shape[1]; ++c) {
        const int64_t row = axis == 0 ? first + r : r, column = axis == 0 ? c : first + c;
        ASSERT_EQ(joined.data<double>()[row * columns + column], part.data<double>()[r * shape[1] + c]);
      }
    first += shape[axis];
  }
  EXPECT_EQ(joined.array().shape()[axis], first);
}

TEST(LargePrograms, ConcatOfAnyNumberOfArraysJoinsThem) {
  for (const Join join : {Join{16, 0}, Join{17, 0}, Join{17, 1}, Join{64, 1}, Join{600, 0}, Join{600, 1}}) {
    SCOPED_TRACE(testing::Message() << join.count << " along " << join.axis);
    const std::vector<Tensor> parts = parts_for(join);
    auto joined = jit([&](const std::vector<Tensor>& p) { return concat(p, join.axis); });
    expect_joined(concat(parts, join.axis), parts, join.axis);
    expect_joined(joined(parts), parts, join.axis);
    EXPECT_LE(different_kernels(*joined.executable()), 1u);
    auto gradient = [&](const std::vector<Tensor>& p) {
      return grad([&](const std::vector<Tensor>& p) { return sum(square(concat(p, join.axis))) * 0.5; }, p);
    };
    auto jitted = jit(gradient);
    const std::vector<Tensor> eager = gradient(parts), compiled = jitted(parts);
    for (size_t i = 0; i < parts.size(); ++i) {
      ASSERT_TRUE(eager[i].array().same_bits(parts[i].array())) << i;
      ASSERT_TRUE(compiled[i].array().same_bits(parts[i].array())) << i;
    }
    EXPECT_LE(different_kernels(*jitted.executable()), 70u);
  }
}

TEST(LargePrograms, StackOfAnyNumberOfArraysStacksThem) {
  for (const int64_t axis : {0, 1, 2}) {
    std::vector<Tensor> parts;
    for (int i = 0; i < 600; ++i) parts.push_back(counted({2, 3}, 10.0 * i));
    const Tensor stacked = stack(parts, axis),
                 compiled = jit([&](const std::vector<Tensor>& p) { return stack(p, axis); })(parts);
    const int64_t strides[3][2] = {{3, 1}, {1800, 1}, {1800, 600}}, own[3] = {6, 3, 1};
    for (int64_t i = 0; i < 600; ++i)
      for (int64_t r = 0; r < 2; ++r)
        for (int64_t c = 0; c < 3; ++c) {
          const int64_t at = i * own[axis] + r * strides[axis][0] + c * strides[axis][1];
          ASSERT_EQ(stacked.data<double>()[at], 10.0 * static_cast<double>(i) + static_cast<double>(3 * r + c));
          ASSERT_EQ(compiled.data<double>()[at], stacked.data<double>()[at]);
        }
  }
}

TEST(LargePrograms, ASymbolicExtentIsJoinedAtEverySize) {
  auto joined = jit([](const Tensor& x) {
    std::vector<Tensor> parts;
    for (int i = 0; i < 40; ++i) parts.push_back(x * static_cast<double>(i));
    return concat(parts, 0);
  });
  for (const int64_t rows : {3, 5, 1}) {
    const Tensor x = counted({rows, 2}, 1), y = joined(x);
    for (int64_t i = 0; i < 40 * rows * 2; ++i)
      ASSERT_EQ(y.data<double>()[i], static_cast<double>(i / (rows * 2)) * x.data<double>()[i % (rows * 2)]);
  }
}

/// x[i] of many i, each with a gradient: slices of one tensor, and the sum of as many padded cotangents.
TEST(LargePrograms, ATensorIsCutIntoManySlices) {
  constexpr int kSteps = 300;
  const Tensor x = counted({kSteps, 3}, 0);
  auto total = [](const Tensor& x) {
    Tensor sums = x[0];
    for (int i = 1; i < kSteps; ++i) sums = sums + square(x[i]);
    return sums;
  };
  auto jitted = jit(total);
  const Tensor eager = total(x), compiled = jitted(x);
  for (int c = 0; c < 3; ++c) {
    double expected = c;
    for (int i = 1; i < kSteps; ++i) expected += (3.0 * i + c) * (3.0 * i + c);
    EXPECT_EQ(eager.data<double>()[c], expected);
    EXPECT_EQ(compiled.data<double>()[c], expected);
  }
  EXPECT_LE(different_kernels(*jitted.executable()), 6u);
}

/// Blocks of a [40, 40] tensor: offsets and extents.
struct Block {
  int64_t row, column, rows, columns;
};

/// Each of them, times a number of its own: the gradient at an element is the sum of the numbers of the blocks over it.
void expect_gradient_of_slices(const std::vector<Block>& blocks) {
  const Tensor x = counted({40, 40}, 1);
  std::vector<double> expected(1600, 0.0);
  for (size_t k = 0; k < blocks.size(); ++k)
    for (int64_t r = blocks[k].row; r < blocks[k].row + blocks[k].rows; ++r)
      for (int64_t c = blocks[k].column; c < blocks[k].column + blocks[k].columns; ++c)
        expected[40 * r + c] += static_cast<double>(k + 1);
  auto total = [&](const Tensor& x) {
    Tensor all = Tensor::scalar(0, DType::f64);
    for (size_t k = 0; k < blocks.size(); ++k) {
      const Block& b = blocks[k];
      all = all +
            sum(x[{Slice{b.row, b.row + b.rows}, Slice{b.column, b.column + b.columns}}]) * static_cast<double>(k + 1);
    }
    return all;
  };
  auto jitted = jit([&](const Tensor& x) { return grad(total, x); });
  for (const Tensor& gradient : {grad(total, x), jitted(x)})
    for (int64_t i = 0; i < 1600; ++i) ASSERT_EQ(gradient.data<double>()[i], expected[i]) << i;
  EXPECT_LE(different_kernels(*jitted.executable()), 70u);
}

TEST(LargePrograms, ManySlicesOfATensorHaveAGradient) {
  std::map<std::string, std::vector<Block>> cases;
  for (int64_t i = 0; i < 40; ++i) {
    cases["rows"].push_back({39 - i, 0, 1, 40});
    cases["columns"].push_back({0, i, 40, 1});
    cases["diagonal"].push_back({i, i, 1, 1});
    cases["one place"].push_back({7, 3, 2, 5});
    cases["windows"].push_back({i % 37, 0, 4, 40});
    cases["blocks that overlap"].push_back({(7 * i) % 31, (11 * i) % 29, 1 + i % 9, 1 + i % 11});
  }
  for (int64_t i = 0; i < 200; ++i) cases["elements"].push_back({(i * 7) % 40, (i * 13) % 37, 1, 1});
  for (const auto& [name, blocks] : cases) {
    SCOPED_TRACE(name);
    expect_gradient_of_slices(blocks);
  }
}

/// Of steps x = sin(x) * 1.01, by hand: the sum of the squares of all of them, and its derivative.
std::pair<double, double> unrolled(double x, int steps) {
  double value = 0, slope = 1, derivative = 0;
  for (int i = 0; i < steps; ++i) {
    slope *= std::cos(x) * 1.01;
    x = std::sin(x) * 1.01;
    value += x * x;
    derivative += 2 * x * slope;
  }
  return {value, derivative};
}

TEST(LargePrograms, UnrolledStepsThatAreStackedHaveAGradient) {
  constexpr int kSteps = 400;
  auto loss = [](Tensor x) {
    std::vector<Tensor> all;
    for (int i = 0; i < kSteps; ++i) all.push_back(x = sin(x) * 1.01);
    return sum(square(stack(all, 0)));
  };
  const Tensor x = Tensor::from({0.5, -0.25, 1.0});
  auto jitted = jit([&](const Tensor& x) { return value_and_grad(loss, x); });
  for (const auto& [value, gradient] : {value_and_grad(loss, x), jitted(x)}) {
    double expected = 0;
    for (int i = 0; i < 3; ++i) {
      const auto [v, d] = unrolled(x.data<double>()[i], kSteps);
      expected += v;
      EXPECT_NEAR(gradient.data<double>()[i], d, 1e-9 * std::fabs(d));
    }
    EXPECT_NEAR(value.item(), expected, 1e-9 * expected);
  }
  // Steps are alike, so their kernels are: what is compiled must not grow with them.
  EXPECT_LE(different_kernels(*jitted.executable()), 24u);
}

TEST(LargePrograms, ManyResultsAreReturned) {
  constexpr int kResults = 600;
  auto powers = jit([](Tensor x) {
    std::vector<Tensor> all;
    for (int i = 0; i < kResults; ++i) all.push_back(x = x * 1.5 - x);
    return all;
  });
  const std::vector<Tensor> all = powers(Tensor::from({64.0, -2.0}));
  double expected = 64;
  for (int i = 0; i < kResults; ++i) {
    expected = expected * 1.5 - expected;
    ASSERT_EQ(all[i].data<double>()[0], expected);
  }
  EXPECT_LE(different_kernels(*powers.executable()), 8u);
}

/// A number of its own in each: what is compiled must not grow with them.
TEST(LargePrograms, ResultsThatDifferInANumberShareTheirKernel) {
  auto multiples = jit([](const Tensor& x) {
    std::vector<Tensor> all;
    for (int i = 0; i < 300; ++i) all.push_back(sin(x * (0.25 * i)) + x);
    return all;
  });
  const std::vector<Tensor> all = multiples(Tensor::from({0.5, -2.0}));
  for (int i = 0; i < 300; ++i) ASSERT_NEAR(all[i].data<double>()[1], std::sin(-2.0 * 0.25 * i) - 2.0, 1e-12);
  EXPECT_LE(different_kernels(*multiples.executable()), 12u);
}

Tensor nested(const Tensor& x, int depth) {
  if (depth == 0) return x * 2;
  return cond(
      sum(x) > 0, [&](const Tensor& y) { return nested(y + 1, depth - 1); }, [](const Tensor& y) { return y; }, x);
}

/// The graphs that a plan keeps alive: its own, those of its nodes' regions, and those of its regions' plans.
void collect_graphs(const ir::Graph& graph, std::set<const ir::Graph*>& graphs) {
  if (!graphs.insert(&graph).second) return;
  for (const ir::Node* node : graph.nodes())
    for (const ir::GraphRef& region : node->regions()) collect_graphs(*region, graphs);
}
void collect_graphs(const ir::Plan& plan, std::set<const ir::Graph*>& graphs) {
  collect_graphs(*plan.graph, graphs);
  for (const auto& region : plan.regions) collect_graphs(*region, graphs);
}

TEST(LargePrograms, NestedCondsKeepAFewGraphsPerLevel) {
  constexpr int kDepth = 60;
  auto f = jit([](const Tensor& x) { return nested(x, kDepth); });
  EXPECT_EQ(f(Tensor::from({1.0, 2.0})).data<double>()[1], 2 * (2 + kDepth));
  EXPECT_EQ(f(Tensor::from({-1.0, -2.0})).data<double>()[1], -2);
  std::set<const ir::Graph*> graphs;
  collect_graphs(f.executable()->plan(), graphs);
  EXPECT_LE(graphs.size(), 10u * kDepth);
}

TEST(LargePrograms, NestedCondsHaveAGradient) {
  const Tensor g = grad([](const Tensor& x) { return sum(nested(x, 30) * x); }, Tensor::from({1.0, 2.0}));
  EXPECT_EQ(g.data<double>()[0], 2 * (1 + 30) + 2 * 1);
  EXPECT_EQ(g.data<double>()[1], 2 * (2 + 30) + 2 * 2);
}

}  // namespace
}  // namespace strata
