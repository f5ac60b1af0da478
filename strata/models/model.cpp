#include "strata/models/model.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::models {

Tensor Model::operator()(const Tensor& x, nn::Context& context, Source at) const {
  if (!held_) throw base::Error(base::code::kBug, "a model is called that was never made");
  return held_->call(x, context, at);
}

}  // namespace strata::models
