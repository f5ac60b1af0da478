// y = x weight^T + bias over the last axis, and tables of rows looked up by id.
#pragma once

#include "strata/nn/init.h"

namespace strata::nn {

enum class Bias : uint8_t { Learned, None };

/// What `lacks` of a layer answers: its bias `name` is not learned, and not there.
inline bool lacks_bias(Bias has_bias, const Tensor& bias, std::string_view field, std::string_view name = "bias") {
  return has_bias == Bias::None && field == name && !bias.defined();
}

/// x [..., in] -> [..., out]. weight [out, in], bias [out], both uniform within 1 / sqrt(in) at first. A width of 0 is
/// allowed: an empty weight.
///   nn::Linear hidden{784, 128}, head{128, 10, nn::Bias::None};
struct Linear {
  int64_t in = 0, out = 0;
  Bias has_bias = Bias::Learned;
  Tensor weight, bias;
  Path path{};
  STRATA_FIELDS(weight, bias)

  bool lacks(std::string_view field) const { return lacks_bias(has_bias, bias, field); }
  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& x, Source at = Source::here()) const;
};

/// ids (integers of any shape) -> [ids..., width]. weight [count, width], standard normal at first. An id out of range
/// is an error when the program runs.
struct Embedding {
  int64_t count = 0, width = 0;
  Tensor weight;
  Path path{};
  STRATA_FIELDS(weight)

  void initialise(const Initialiser& init);
  Tensor operator()(const Tensor& ids, Source at = Source::here()) const;
};

/// x [..., in] by weight [out, in], and bias [out] unless it is undefined.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Source at = Source::here());

}  // namespace strata::nn
