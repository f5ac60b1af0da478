// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/optim/rules.h"
#include "strata/optim/schedule.h"
#include "strata/tensor/transforms/grad.h"

namespace strata::optim {
namespace {

using base::message_of;

struct One {
  Tensor w;
  STRATA_FIELDS(w)
};
struct Other {
  Tensor v;
  STRATA_FIELDS(v)
};

TEST(ErrorMessages, E0510SaysHowAnOptimiserIsStarted) {
  One model{Tensor::zeros({3})}, grads{Tensor::zeros({3})};
  EXPECT_EQ(message_of([&] { Optimiser().update(model, grads); }),
            "error[E0510]: an optimiser is used that was never started\nnote: recorded at "
            "error_messages_test.cpp\nhint: make one with optim::Sgd{...}.start(model) or another rule");
}

TEST(ErrorMessages, E0511NamesTheParameterThatTheModelLacks) {
  One model{Tensor::zeros({3})};
  Other other{Tensor::zeros({3})}, grads{Tensor::zeros({3})};
  auto optimiser = Sgd{}.start(model);
  EXPECT_EQ(message_of([&] { optimiser.update(other, grads); }),
            "error[E0511]: the model has no parameter w, for which the optimiser was started\nnote: recorded at "
            "error_messages_test.cpp");
}

TEST(ErrorMessages, E0513SaysWhichPartOfAScheduleIsWrong) {
  EXPECT_EQ(message_of([] { Schedule({}); }),
            "error[E0513]: a schedule without parts\nnote: recorded at error_messages_test.cpp");
  EXPECT_EQ(message_of([] { linear(1, 2, -1); }),
            "error[E0513]: a schedule's part of -1 steps\nnote: recorded at error_messages_test.cpp");
  EXPECT_EQ(message_of([] { constant(1).then(constant(2)); }),
            "error[E0513]: something follows a part of a schedule that never ends\nnote: recorded at "
            "error_messages_test.cpp");
}

}  // namespace
}  // namespace strata::optim
