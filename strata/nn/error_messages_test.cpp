// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/nn/context.h"
#include "strata/nn/dropout.h"
#include "strata/nn/init.h"

namespace strata::nn {
namespace {

using base::message_of;

TEST(ErrorMessages, E0508NamesTheShapeThatIsNoWeight) {
  EXPECT_EQ(message_of([] { fans_of({7}); }),
            "error[E0508]: fan-in and fan-out are of weights [out, in, ...], found [7]\nnote: recorded at "
            "error_messages_test.cpp");
  EXPECT_EQ(message_of([] { fans_of({ir::Dim::symbol("B"), 7}); }),
            "error[E0508]: a parameter has a symbolic extent: [B,7]\nnote: recorded at error_messages_test.cpp");
}

TEST(ErrorMessages, E0509NamesTheRateThatIsNoneOfADropout) {
  Context training(Mode::Train, Key(1));
  EXPECT_EQ(message_of([&] { Dropout{1.5}(Tensor::ones({3}), training); }),
            "error[E0509]: dropout: rate is 1.5, expected a number of at least 0, below 1\nnote: recorded at "
            "error_messages_test.cpp");
}

}  // namespace
}  // namespace strata::nn
