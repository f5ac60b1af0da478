// Whole messages of this layer's errors, and of an index that a compiled program meets.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/custom.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

using base::message_of;

TEST(ErrorMessages, E0118NamesTheIndexThatACompiledProgramMet) {
  const Tensor x = Tensor::zeros({3}), index = Tensor::from({int64_t{0}, int64_t{7}});
  EXPECT_EQ(message_of([&] { ops::take(x, index, 0, ops::OutOfRange::Check).array(); }),
            "error[E0118]: gather: index 7 is out of range for axis 0 of extent 3\nnote: recorded at "
            "error_messages_test.cpp");
}

TEST(ErrorMessages, E0140NamesTheNumbersAndWhatTheDtypeHolds) {
  EXPECT_EQ(message_of([&] { random_integers(Key(1), {4}, 0, 300, DType::u8); }),
            "error[E0140]: random_integers: the numbers go from 0 to 299, u8 holds those from 0 to 255\nnote: recorded "
            "at error_messages_test.cpp\nhint: take a dtype that holds them all");
  EXPECT_EQ(message_of([&] { random_integers(Key(1), {4}, 0, 300, DType::bf16); }),
            "error[E0140]: random_integers: the numbers go from 0 to 299, bf16 holds those from -256 to 256\nnote: "
            "recorded at error_messages_test.cpp\nhint: take a dtype that holds them all");
  EXPECT_EQ(
      message_of([&] { uniform(Key(1), {4}, 1001, 1003, DType::bf16); }),
      "error[E0140]: uniform: bf16 has no number in [1001, 1003): 1000 is below it and 1004 not\nnote: recorded at "
      "error_messages_test.cpp\nhint: draw in a wider dtype, or in a wider range");
  EXPECT_EQ(message_of([&] { uniform(Key(1), {4}, 1, 0); }),
            "error[E0116]: uniform: highest is 0, expected a number of at least 1\nnote: recorded at "
            "error_messages_test.cpp");
  EXPECT_EQ(message_of([&] { Tensor::arange(257, DType::u8); }),
            "error[E0140]: arange: the numbers go from 0 to 256, u8 holds those from 0 to 255\nnote: recorded at "
            "error_messages_test.cpp\nhint: take a dtype that holds them all");
  EXPECT_EQ(message_of([&] { Tensor::linspace(300, 0.5, 4, DType::u8); }),
            "error[E0140]: linspace: the numbers go from 0 to 300, u8 holds those from 0 to 255\nnote: recorded at "
            "error_messages_test.cpp\nhint: take a dtype that holds them all");
  EXPECT_EQ(message_of([&] { Tensor::arange(5, -200, -100, DType::i8); }),
            "error[E0140]: arange: the numbers go from -195 to 5, i8 holds those from -128 to 127\nnote: recorded at "
            "error_messages_test.cpp\nhint: take a dtype that holds them all");
}

TEST(ErrorMessages, E0502SaysThatTheRecordingHasEnded) {
  Tensor kept;
  auto f = jit([&](Tensor x) {
    kept = x * 2;
    return kept + 1;
  });
  f(Tensor::zeros({3}));
  EXPECT_EQ(message_of([&] { kept.type(); }),
            "error[E0502]: a tensor is used after the jit call that recorded it has ended\nnote: looked at in "
            "error_messages_test.cpp\nhint: return it from the function instead of storing it outside");
  EXPECT_EQ(message_of([&] { kept.array(); }),
            "error[E0502]: a tensor is looked at after the jit call that recorded it has ended\nnote: looked at in "
            "error_messages_test.cpp\nhint: return it from the function instead of storing it outside");
  EXPECT_EQ(message_of([&] { (kept + 1).array(); }),
            "error[E0502]: a tensor is used after the jit call that recorded it has ended\nnote: recorded at "
            "error_messages_test.cpp\nhint: return it from the function instead of storing it outside");
}

TEST(ErrorMessages, E0503NamesTheAxisWhoseSizeIsNotKnown) {
  EXPECT_EQ(message_of([] { ops::broadcast_to(Tensor::scalar(1), {Dim::symbol("N")}).size(0); }),
            "error[E0503]: the size of axis 0 of f32[N] is not known while the program is recorded\nnote: looked at in "
            "error_messages_test.cpp\nhint: use dim(axis), which may be symbolic, or make the dimension static in the "
            "jit options");
  auto f = jit([](Tensor x) -> Tensor {
    return x * static_cast<double>(ops::broadcast_to(Tensor::scalar(1), {Dim::symbol("N")}).size(0));
  });
  EXPECT_EQ(message_of([&] { f(Tensor::zeros({3})); }),
            "error[E0503]: the size of dimension 'N' is not known while the program is recorded\nnote: looked at in "
            "error_messages_test.cpp");
}

TEST(ErrorMessages, E0504SaysHowManyElementsItemFound) {
  EXPECT_EQ(message_of([] { Tensor::zeros({3}).item(); }),
            "error[E0504]: item() takes a tensor of one element, found f32[3]\nnote: looked at in "
            "error_messages_test.cpp");
}

TEST(ErrorMessages, E0505SaysThatTheProgramChanged) {
  double factor = 1;
  auto f = jit([&](Tensor x) { return x * factor; }, {.name = "scale", .is_checked = true});
  f(Tensor::zeros({3}));
  factor = 2;
  EXPECT_EQ(
      message_of([&] { f(Tensor::zeros({3})); }),
      "error[E0505]: scale: recorded another program for the same kind of arguments\nnote: the constant 1 recorded at "
      "error_messages_test.cpp is 2 now\nnote: jitted in error_messages_test.cpp\nhint: the function depends on "
      "something that is neither an argument nor a captured tensor: a number that changes is an argument, as a "
      "tensor");
}

TEST(ErrorMessages, E0532NamesBothTypesOfADerivative) {
  const auto wrong =
      custom_vjp([](const Tensor& x) { return x * x; }, [](const Tensor& x) { return std::pair(x * x, x); },
                 [](const Tensor&, const Tensor&) { return Tensor::zeros({5}); });
  EXPECT_EQ(message_of([&] { grad([&](const Tensor& x) { return sum(wrong(x)); }, Tensor::zeros({3})); }),
            "error[E0532]: custom derivative: cotangents 0 should be f32[3], found f32[5]");
}

}  // namespace
}  // namespace strata
