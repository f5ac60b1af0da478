// Convolutions whose filters are constants: on small planes they lie in panels, as the columns of the product, and one
// image has a kernel of its own; both give the bits of filters that are packed in each run.
#include <gtest/gtest.h>

#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/operands/operators.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

struct Convolution {
  int64_t channels, filters, size, window = 1, stride = 1, groups = 1, images = 1;

  std::vector<int64_t> image(int64_t count) const { return {count, channels, size, size}; }
  std::vector<int64_t> weight() const { return {filters, channels / groups, window, window}; }

  static Type f32(const std::vector<int64_t>& shape) {
    return Type::of(DType::f32, ir::Shape(shape.begin(), shape.end()));
  }

  /// tanh(conv(x, w) + b)
  std::shared_ptr<Graph> graph(Dim batch) const {
    auto made = std::make_shared<Graph>("layer");
    const Value x = made->add_parameter(Type::of(DType::f32, {batch, channels, size, size}), "x"),
                w = made->add_parameter(f32(weight()), "w"), b = made->add_parameter(f32({filters}), "b");
    const ir::Shape pad(2, Dim(window / 2));
    const Value y = ops::conv(x, w, {.strides = {stride, stride}, .pad_lo = pad, .pad_hi = pad, .groups = groups});
    made->set_results({ops::tanh(y + ops::broadcast(b, y.type().shape(), std::vector<int64_t>{1}))});
    return made;
  }

  /// Whether the filters lie in panels, and give the bits of those that don't.
  void expect_prepared(bool are_prepared) const {
    const auto each_time = compile(graph(images)), once = compile(graph(images), {.constants = {1}});
    EXPECT_EQ(!once->plan().prologue.empty(), are_prepared) << ir::print_plan(once->plan());
    const HostArray w = random_array(weight(), 2), b = random_array({filters}, 3);
    for (uint64_t seed = 4; seed < 6; ++seed) {
      const HostArray x = random_array(image(images), seed);
      EXPECT_TRUE(once->run({x, w, b})[0].same_bits(each_time->run({x, w, b})[0])) << channels << " " << size;
    }
  }
};

TEST(PreparedFilters, OfWindowsOfOneElementLieInPanelsWherePlanesAreSmall) {
  for (const int64_t size : {1, 2, 5, 7, 8})
    Convolution{.channels = 37, .filters = 101, .size = size}.expect_prepared(true);
  Convolution{.channels = 530, .filters = 64, .size = 3}.expect_prepared(true);
  Convolution{.channels = 301, .filters = 237, .size = 7}.expect_prepared(true);
  Convolution{.channels = 64, .filters = 48, .size = 13, .stride = 2}.expect_prepared(true);
}

TEST(PreparedFilters, OfLargerWindowsAreReadBesideThePlane) {
  for (const int64_t size : {2, 7, 8})
    Convolution{.channels = 130, .filters = 101, .size = size, .window = 3}.expect_prepared(true);
  Convolution{.channels = 131, .filters = 64, .size = 14, .window = 3, .stride = 2}.expect_prepared(true);
  Convolution{.channels = 50, .filters = 65, .size = 6, .window = 5, .images = 2}.expect_prepared(true);
}

TEST(PreparedFilters, ArePackedInEachRunWhereTheyAreFewBesideThePositions) {
  Convolution{.channels = 8, .filters = 40, .size = 20}.expect_prepared(false);
  Convolution{.channels = 8, .filters = 4, .size = 5}.expect_prepared(false);
  Convolution{.channels = 8, .filters = 40, .size = 20, .window = 3}.expect_prepared(false);
  Convolution{.channels = 64, .filters = 96, .size = 5, .window = 3, .groups = 2}.expect_prepared(false);
}

/// Whether a batch of any size has another kernel for one image, and each size the bits of the program of that size.
void expect_one_image_apart(const Convolution& c) {
  const auto any = compile(c.graph(Dim::symbol("B")), {.constants = {1}});
  EXPECT_EQ(any->plan().commands.back().variants.size(), 1u) << ir::print_plan(any->plan());
  const HostArray w = random_array(c.weight(), 2), b = random_array({c.filters}, 3);
  for (const int64_t n : {1, 0, 3, 1, 2}) {
    const HostArray x = random_array(c.image(n), 4);
    EXPECT_TRUE(any->run({x, w, b})[0].same_bits(compile(c.graph(n))->run({x, w, b})[0])) << n;
  }
}

TEST(OneImage, OfABatchOfAnySizeHasAKernelOfItsOwn) {
  expect_one_image_apart({.channels = 20, .filters = 70, .size = 15, .window = 3});
  expect_one_image_apart({.channels = 131, .filters = 90, .size = 7, .window = 3});
  expect_one_image_apart({.channels = 60, .filters = 200, .size = 14});
  expect_one_image_apart({.channels = 3, .filters = 4, .size = 4});
  expect_one_image_apart({.channels = 32, .filters = 40, .size = 29, .window = 3, .stride = 2});
}

TEST(OneImage, OfAProgramWithoutConstantsIsOneOfMany) {
  const auto any = compile(Convolution{.channels = 60, .filters = 70, .size = 9, .window = 3}.graph(Dim::symbol("B")));
  EXPECT_TRUE(any->plan().commands.back().variants.empty()) << ir::print_plan(any->plan());
}

}  // namespace
}  // namespace strata::compiler
