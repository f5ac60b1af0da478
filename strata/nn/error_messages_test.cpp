// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/nn/init.h"

namespace strata::nn {
namespace {

using base::message_of;

TEST(ErrorMessages, E0508NamesTheShapeThatIsNoWeight) {
  EXPECT_EQ(message_of([] { fans_of({7}); }),
            "error[E0508]: fan-in and fan-out are of weights [out, in, ...], found [7]");
  EXPECT_EQ(message_of([] { fans_of({ir::Dim::symbol("B"), 7}); }),
            "error[E0508]: a parameter has a symbolic extent: [B,7]");
}

}  // namespace
}  // namespace strata::nn
