#include "strata/ops/contraction/winograd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "strata/base/error/message_of.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/transform/gradient.h"
#include "strata/transform/testing/numeric_checks.h"

namespace strata {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using ops::ConvAlgorithm;
using Values = std::vector<Value>;

constexpr ConvAlgorithm kBoth[] = {ConvAlgorithm::WinogradF2x3, ConvAlgorithm::WinogradF4x3};

struct Case {
  int64_t images = 2, inputs = 5, outputs = 7, height = 9, width = 6;
  int64_t pads[4] = {1, 1, 1, 1};  ///< above, below, left, right
  int64_t groups = 1;
  DType dtype = DType::f32;

  std::string str() const {
    return fmt::format("[{},{},{},{}] to {} in {} groups, pads {} {} {} {}, {}", images, inputs * groups, height, width,
                       outputs * groups, groups, pads[0], pads[1], pads[2], pads[3], ir::dtype_name(dtype));
  }
  ops::ConvShape shape(ConvAlgorithm algorithm) const {
    return {.pad_lo = {pads[0], pads[2]}, .pad_hi = {pads[1], pads[3]}, .groups = groups, .algorithm = algorithm};
  }
};

std::vector<Case> cases() {
  std::vector<Case> list{{.height = 1, .width = 1}};
  for (int64_t side : {2, 5, 13}) list.push_back({.height = side, .width = side + 3});
  list.push_back({.images = 0});
  list.push_back({.inputs = 3, .outputs = 4, .groups = 3});
  list.push_back({.inputs = 1, .outputs = 1, .groups = 6});
  list.push_back({.pads = {0, 2, 3, 0}});
  list.push_back({.pads = {-1, 1, 0, -2}});
  list.push_back({.images = 1, .inputs = 300, .outputs = 20, .height = 6, .width = 6});
  list.push_back({.height = 2, .width = 2, .pads = {0, 0, 0, 0}});  // the window fits nowhere
  list.push_back({.height = 3, .width = 3, .pads = {0, 0, 0, 0}, .dtype = DType::f64});
  return list;
}

struct Program {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>("convolution");
  Value x, w, y;
  std::vector<HostArray> arguments;

  Value add(DType dtype, std::vector<int64_t> extents, uint32_t seed) {
    const HostArray drawn = compiler::random_array(extents, seed);
    HostArray argument(dtype, extents);
    for (int64_t i = 0; i < drawn.elements(); ++i) argument.set(i, drawn.get(i));
    arguments.push_back(std::move(argument));
    return graph->add_parameter(Type::of(dtype, ir::Shape(extents.begin(), extents.end())));
  }
  Program(const Case& c, ConvAlgorithm algorithm) {
    x = add(c.dtype, {c.images, c.inputs * c.groups, c.height, c.width}, 1);
    w = add(c.dtype, {c.outputs * c.groups, c.inputs, 3, 3}, 2);
    y = ops::conv(x, w, c.shape(algorithm));
    graph->set_results({&y, 1});
  }
  void add_gradients() {
    std::vector<int64_t> extents;
    for (const Dim d : y.type().shape()) extents.push_back(d.constant());
    const Value seed = add(y.dtype(), extents, 3), wanted[] = {x, w};
    Values results{y};
    for (const Value& g : transform::append_vjp(*graph, {&y, 1}, {&seed, 1}, wanted)) results.push_back(g);
    graph->set_results(results);
  }
};

std::vector<HostArray> run(const Program& p, const compiler::CompileOptions& options = {}) {
  return compiler::run_natively(p.graph, p.arguments, options);
}

/// Of one result, with the matrices and operands as they are, or with all of them positive, in f64.
class OneResult {
 public:
  OneResult(const Case& c, const Program& p, ConvAlgorithm algorithm)
      : c_(c), x_(p.arguments[0]), w_(p.arguments[1]), matrices_(ops::winograd_matrices(algorithm)) {}

  /// By the definition of a convolution.
  double exact(int64_t n, int64_t o, int64_t row, int64_t column) const {
    double sum = 0;
    for (int64_t i = 0; i < c_.inputs; ++i)
      for (int64_t a = 0; a < 3; ++a)
        for (int64_t b = 0; b < 3; ++b) sum += image(n, o, i, row + a, column + b) * window(o, i, a, b);
    return sum;
  }
  /// The formula of winograd.h of absolute values.
  double magnitude(int64_t n, int64_t o, int64_t row, int64_t column) const {
    const int m = matrices_.results, t = m + 2;
    const int64_t top = row / m * m, left = column / m * m;
    double result = 0;
    for (int a = 0; a < t; ++a)
      for (int b = 0; b < t; ++b) {
        double products = 0;
        for (int64_t i = 0; i < c_.inputs; ++i) {
          double of_image = 0, of_window = 0;
          for (int j = 0; j < t; ++j)
            for (int k = 0; k < t; ++k)
              of_image +=
                  std::fabs(matrices_.image.at(a, j) * matrices_.image.at(b, k) * image(n, o, i, top + j, left + k));
          for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 3; ++k)
              of_window += std::fabs(matrices_.window.at(a, j) * matrices_.window.at(b, k) * window(o, i, j, k));
          products += of_image * of_window;
        }
        result += std::fabs(matrices_.back.at(static_cast<int>(row - top), a) *
                            matrices_.back.at(static_cast<int>(column - left), b)) *
                  products;
      }
    return result;
  }

 private:
  double image(int64_t n, int64_t o, int64_t i, int64_t row, int64_t column) const {
    const int64_t h = row - c_.pads[0], v = column - c_.pads[2], channel = o / c_.outputs * c_.inputs + i;
    if (h < 0 || v < 0 || h >= c_.height || v >= c_.width) return 0;
    return x_.get(((n * c_.inputs * c_.groups + channel) * c_.height + h) * c_.width + v);
  }
  double window(int64_t o, int64_t i, int64_t a, int64_t b) const {
    return w_.get(((o * c_.inputs + i) * 3 + a) * 3 + b);
  }
  const Case& c_;
  const HostArray &x_, &w_;
  const ops::WinogradMatrices& matrices_;
};

TEST(Winograd, IsWithinItsBoundOfTheConvolution) {
  for (const Case& c : cases())
    for (const ConvAlgorithm algorithm : kBoth) {
      const Program p(c, algorithm);
      const HostArray y = run(p)[0];
      ASSERT_EQ(y.shape(), run(Program(c, ConvAlgorithm::Direct))[0].shape()) << c.str();
      const OneResult one(c, p, algorithm);
      const double u = c.dtype == DType::f64 ? 0x1p-53 : 0x1p-24, t = ops::winograd_matrices(algorithm).results + 2;
      const double chain = static_cast<double>(std::min<int64_t>(c.inputs, 256) + (c.inputs > 256 ? 1 : 0));
      const auto shape = y.shape();
      for (int64_t i = 0; i < y.elements(); ++i) {
        const int64_t column = i % shape[3], row = i / shape[3] % shape[2], o = i / (shape[2] * shape[3]) % shape[1],
                      n = i / (shape[1] * shape[2] * shape[3]);
        const double bound = (chain + 4 * t) * u * one.magnitude(n, o, row, column);
        ASSERT_LE(std::fabs(y.get(i) - one.exact(n, o, row, column)), bound)
            << c.str() << ", element " << i << " of F(" << t - 2 << ", 3)";
      }
    }
}

TEST(Winograd, CompiledIsInterpretedWithGradientsOnEveryInstructionSet) {
  for (const Case& c : cases())
    for (const ConvAlgorithm algorithm : kBoth) {
      Program p(c, algorithm);
      p.add_gradients();
      const auto expected = ir::interpret(*p.graph, p.arguments);
      std::optional<std::vector<HostArray>> first;
      for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
        const auto found = run(p, {.target = &compiler::llvm_target_for(cpu)});
        for (size_t r = 0; r < found.size(); ++r)
          for (int64_t i = 0; i < found[r].elements(); ++i)
            ASSERT_NEAR(found[r].get(i), expected[r].get(i), c.dtype == DType::f64 ? 1e-12 : 4e-4)
                << c.str() << ", result " << r << ", element " << i << ", " << cpu.name;
        if (!first) first = found;
        for (size_t r = 0; r < found.size(); ++r)
          EXPECT_TRUE(found[r].same_bits((*first)[r])) << c.str() << ", result " << r << ", " << cpu.name;
      }
    }
}

TEST(Winograd, HasTheSameBitsForEveryScheduleAndNumberOfThreads) {
  base::ThreadPool& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  for (const ConvAlgorithm algorithm : kBoth) {
    Program p({.images = 3, .inputs = 20, .outputs = 33, .height = 15, .width = 10}, algorithm);
    p.add_gradients();
    pool.set_thread_count(1);
    const auto expected = run(p);
    pool.set_thread_count(3);
    for (const uint64_t variation : {0, 1, 2, 3}) {
      const auto found = run(p, {.schedule_variation = variation});
      for (size_t r = 0; r < found.size(); ++r)
        EXPECT_TRUE(found[r].same_bits(expected[r])) << "result " << r << ", variation " << variation;
    }
  }
  pool.set_thread_count(before);
}

TEST(Winograd, AnImageHasTheBitsThatItHasAloneWhateverIsSymbolic) {
  for (const ConvAlgorithm algorithm : kBoth) {
    const Case one{.images = 1, .height = 11, .width = 7};
    Case three = one;
    three.images = 3;
    const Program alone(one, algorithm), batch(three, algorithm);
    auto graph = std::make_shared<Graph>("symbolic");
    const Value x =
        graph->add_parameter(Type::of(DType::f32, {Dim::symbol("N"), one.inputs, Dim::symbol("H"), Dim::symbol("W")}));
    const Value w = graph->add_parameter(alone.w.type()), y = ops::conv(x, w, one.shape(algorithm));
    graph->set_results({&y, 1});
    const HostArray expected = run(batch)[0], found = compiler::run_natively(graph, batch.arguments)[0];
    EXPECT_TRUE(found.same_bits(expected)) << "symbolic batch, height and width";
    for (const int64_t side : {0, 1, 6}) {
      const Case other{.images = 2, .height = side, .width = 5};
      const Program fixed(other, algorithm);
      EXPECT_TRUE(compiler::run_natively(graph, fixed.arguments)[0].same_bits(run(fixed)[0])) << "height " << side;
    }
    const HostArray single = run(alone)[0];
    for (int64_t i = 0; i < single.elements(); ++i) ASSERT_EQ(single.get(i), expected.get(i)) << i;
  }
}

TEST(Winograd, TransformedWeightsAreMadeOnceForAllRuns) {
  for (const ConvAlgorithm algorithm : kBoth) {
    const Case c{.inputs = 20, .outputs = 40};
    const Program p(c, algorithm);
    const auto program = compiler::compile(p.graph, {.constants = {1}});
    ASSERT_EQ(program->plan().prologue.size(), 1u);
    EXPECT_TRUE(program->run(std::vector(p.arguments))[0].same_bits(run(p)[0]));
  }
}

TEST(Winograd, GradientsAreThoseOfTheConvolution) {
  for (Case c : cases()) {
    c.dtype = DType::f64;
    for (const ConvAlgorithm algorithm : kBoth) {
      Program p(c, algorithm), direct(c, ConvAlgorithm::Direct);
      p.add_gradients();
      direct.add_gradients();
      const auto found = run(p), expected = run(direct);
      for (size_t r = 0; r < found.size(); ++r)
        for (int64_t i = 0; i < found[r].elements(); ++i)
          ASSERT_NEAR(found[r].get(i), expected[r].get(i), 1e-11) << c.str() << ", result " << r << ", element " << i;
      EXPECT_TRUE(found[2].same_bits(expected[2])) << "the weight's gradient goes by the ordinary form: " << c.str();
    }
  }
}

TEST(Winograd, DerivativesOfItsDerivativesMatchDifferences) {
  for (const ConvAlgorithm algorithm : kBoth) {
    Program p({.images = 1, .inputs = 2, .outputs = 3, .height = 5, .width = 4, .dtype = DType::f64}, algorithm);
    transform::checks::expect_gradient_matches_differences(*p.graph, p.arguments);
    transform::checks::expect_jvp_vjp_identity(*p.graph, p.arguments);
    transform::checks::expect_vmap_matches_loop(*p.graph, p.arguments, {true, false});
    transform::checks::expect_vmap_matches_loop(*p.graph, p.arguments, {true, true});
    Program squared({.images = 1, .inputs = 2, .outputs = 3, .height = 5, .width = 4, .dtype = DType::f64}, algorithm);
    const Value loss = ops::reduce_sum(squared.y * squared.y * squared.y, {0, 1, 2, 3}),
                wanted[] = {squared.x, squared.w};
    squared.graph->set_results(transform::append_gradient(*squared.graph, loss, wanted));
    transform::checks::expect_gradient_matches_differences(*squared.graph, squared.arguments);
  }
}

TEST(Winograd, HalfFloatsRoundOnce) {
  for (const DType dtype : {DType::bf16, DType::f16})
    for (const ConvAlgorithm algorithm : kBoth) {
      Case c{.dtype = dtype};
      const Program p(c, algorithm);
      Program wide({}, algorithm);
      for (size_t k = 0; k < 2; ++k)
        for (int64_t i = 0; i < p.arguments[k].elements(); ++i) wide.arguments[k].set(i, p.arguments[k].get(i));
      const HostArray found = run(p)[0], exact = run(wide)[0];
      for (int64_t i = 0; i < found.elements(); ++i) {
        HostArray rounded(dtype, {1});
        rounded.set(0, exact.get(i));
        ASSERT_EQ(found.get(i), rounded.get(0)) << i;
      }
    }
}

TEST(Winograd, NaNReachesTheResultsOfItsTilesAndNoOthers) {
  Program p({.images = 1, .inputs = 1, .outputs = 1, .height = 12, .width = 12}, ConvAlgorithm::WinogradF4x3);
  p.arguments[0].set(0, std::numeric_limits<double>::quiet_NaN());
  const HostArray y = run(p)[0];
  for (int64_t i = 0; i < 144; ++i) EXPECT_EQ(std::isnan(y.get(i)), i / 12 < 4 && i % 12 < 4) << i;
}

TEST(Winograd, WhatItDoesNotFitIsRefused) {
  Graph graph("refused");
  const auto value = [&](DType dtype, std::vector<Dim> shape) { return graph.add_parameter(Type::of(dtype, shape)); };
  const Value x = value(DType::f32, {2, 4, 8, 8}), w = value(DType::f32, {6, 4, 3, 3});
  const auto refusal = [&](Value a, Value b, ops::ConvShape c, ConvAlgorithm algorithm = ConvAlgorithm::WinogradF2x3) {
    c.algorithm = algorithm;
    const std::string message = base::message_of([&] { ops::conv(a, b, c); });
    return message.substr(0, message.find('\n'));
  };
  EXPECT_EQ(refusal(x, w, {.strides = {1, 2}}), "error[E0116]: conv: winograd_f2x3 takes no strides, found strides 2");
  EXPECT_EQ(refusal(x, w, {.lhs_dilation = {2, 2}}),
            "error[E0116]: conv: winograd_f2x3 takes no lhs_dilation, found lhs_dilation 2");
  EXPECT_EQ(refusal(x, w, {.rhs_dilation = {2, 2}}, ConvAlgorithm::WinogradF4x3),
            "error[E0116]: conv: winograd_f4x3 takes no rhs_dilation, found rhs_dilation 2");
  EXPECT_EQ(refusal(x, value(DType::f32, {6, 4, 5, 3}), {}),
            "error[E0116]: conv: winograd_f2x3 takes windows of 3 x 3, found f32[6,4,5,3]");
  EXPECT_EQ(refusal(value(DType::f32, {2, 4, 8}), value(DType::f32, {6, 4, 3}), {}),
            "error[E0116]: conv: winograd_f2x3 takes two spatial axes, found f32[2,4,8] and f32[6,4,3]");
  EXPECT_EQ(refusal(value(DType::i8, {2, 4, 8, 8}), value(DType::i8, {6, 4, 3, 3}), {}),
            "error[E0116]: conv: winograd_f2x3 takes floats of one dtype, found i8[2,4,8,8] and i8[6,4,3,3] to i8");
  EXPECT_EQ(refusal(x, value(DType::f32, {6, 3, 3, 3}), {}),
            "error[E0102]: conv: x f32[2,4,8,8] has 4 channels, w f32[6,3,3,3] takes 3 in 1 group(s)");
  EXPECT_EQ(refusal(x, w, {}, static_cast<ConvAlgorithm>(7)),
            "error[E0116]: conv: algorithm is 7, expected an integer from 0 to 2");
}

}  // namespace
}  // namespace strata
