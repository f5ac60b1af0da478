// LeNet-5 (LeCun et al. 1998) as it is built today: ReLU, max pooling, 28 x 28 images of one channel.
#pragma once

#include "strata/nn/conv.h"
#include "strata/nn/linear.h"

namespace strata::models {

struct LeNet {
  nn::Conv2d conv1{1, 6, 5, {.padding = 2}}, conv2{6, 16, 5};
  nn::Linear fc1{400, 120}, fc2{120, 84}, fc3{84, 10};
  STRATA_FIELDS(conv1, conv2, fc1, fc2, fc3)

  /// [B, 1, 28, 28] -> logits [B, 10].
  Tensor operator()(const Tensor& x_BCHW, Source at = Source::here()) const;
};

}  // namespace strata::models
