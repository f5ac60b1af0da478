// Legend: B batch, C channels, H rows, W columns, D features.
#include "strata/models/lenet.h"

#include "strata/nn/pooling.h"
#include "strata/ops/activations.h"
#include "strata/ops/shape.h"

namespace strata::models {

Tensor LeNet::operator()(const Tensor& x_BCHW, Source at) const {
  const LineScope scope(at);
  Tensor h_BCHW = nn::max_pool2d(relu(conv1(x_BCHW)), 2);  // 6 x 14 x 14
  h_BCHW = nn::max_pool2d(relu(conv2(h_BCHW)), 2);         // 16 x 5 x 5
  const Tensor h_BD = flatten(h_BCHW, 1);
  return fc3(relu(fc2(relu(fc1(h_BD)))));
}

}  // namespace strata::models
