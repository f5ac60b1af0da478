#include "strata/models/image_layers.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"

namespace strata::models {

std::string image_side_text(const base::Bounds& side) {
  return side.low == side.high ? fmt::format("{0:g} x {0:g} pixels", side.low)
                               : fmt::format("{:g} to {:g} pixels a side", side.low, side.high);
}

void require_image_sides(std::string_view model, const Tensor& x_BCHW, const base::Bounds& side, Source at) {
  const auto fits = [&](Dim d) { return !d.is_constant() || side.contain(d.constant()); };
  if (x_BCHW.rank() != 4 || (fits(x_BCHW.dim(2)) && fits(x_BCHW.dim(3)))) return;  // the rank is for the convolution
  ops::noting_line(user_line(at), [&] {
    throw base::Error(base::code::kLayerOptions,
                      fmt::format("{}: images of {} x {}, expected {}", model, x_BCHW.dim(2).str(), x_BCHW.dim(3).str(),
                                  image_side_text(side)));
  });
}

nn::Conv2d conv_alone(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups) {
  return {in, out, kernel, {.stride = stride, .padding = kernel / 2, .groups = groups, .has_bias = nn::Bias::None}};
}

ConvNorm conv_norm(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups) {
  return {conv_alone(in, out, kernel, stride, groups), nn::BatchNorm2d{.channels = out}};
}

Tensor apply(const ConvNorm& layers, const Tensor& x_BCHW, nn::Context& context, Source at) {
  const LineScope scope(at);
  const auto& [conv, norm] = layers;
  return norm(conv(x_BCHW), context);
}

void fill_by_fan_out(nn::Conv2d& conv, const nn::Initialiser& init, const std::string& name) {
  const Shape shape = conv.weight.shape();
  conv.weight = init.normal(name, shape, std::sqrt(2.0 / static_cast<double>(conv.out * conv.kernel.product())));
}

}  // namespace strata::models
