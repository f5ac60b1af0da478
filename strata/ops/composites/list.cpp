#include "strata/ops/composites/list.h"

#include <algorithm>

namespace strata::ops {
namespace {

constexpr std::string_view kActivations = "strata/ops/elementwise/activations.h";
constexpr std::string_view kAttention = "strata/ops/composites/attention.h";
constexpr std::string_view kLosses = "strata/ops/composites/loss.h";
constexpr std::string_view kNorms = "strata/ops/composites/norm.h";
constexpr std::string_view kQuantised = "strata/ops/composites/quantise.h";
constexpr std::string_view kSoftmax = "strata/ops/composites/softmax.h";

constexpr CompositeEntry kComposites[] = {
    {"attention",
     "scaled dot-product attention: causal, windowed, with grouped heads, masks, soft caps, sinks and packed segments; "
     "attention_with_score (strata/tensor/transforms/score.h) takes a function of the scores",
     kAttention},
    {"rope", "rotary positions", kAttention},
    {"softmax", "exp(x) over its sum along an axis", kSoftmax},
    {"log_softmax", "the logarithm of softmax", kSoftmax},
    {"logsumexp", "log(sum(exp(x))) over axes, without overflow", kSoftmax},
    {"cross_entropy", "-log softmax at the target", kSoftmax},
    {"layer_norm", "normalises the last axes", kNorms},
    {"rms_norm", "divides the last axis by the root of its mean square", kNorms},
    {"group_norm", "normalises groups of channels", kNorms},
    {"batch_norm_train", "normalises channels by the statistics of the batch", kNorms},
    {"batch_norm_with", "normalises channels by given statistics", kNorms},
    {"dropout", "zeros elements at random and scales the others", "strata/ops/composites/dropout.h"},
    {"mse", "the squared difference", kLosses},
    {"l1", "the absolute difference", kLosses},
    {"huber", "squared near 0, absolute beyond delta", kLosses},
    {"bce", "binary cross-entropy of probabilities", kLosses},
    {"bce_with_logits", "binary cross-entropy of logits", kLosses},
    {"kl_div", "the divergence of Kullback and Leibler", kLosses},
    {"quantize_linear", "floats as integers under a scale and a zero point", kQuantised},
    {"dequantize_linear", "the floats that such integers stand for", kQuantised},
    {"matmul_integer", "a product of 8-bit integers into i32", kQuantised},
    {"qlinear_matmul", "a product of quantised matrices, quantised again", kQuantised},
    {"conv_winograd",
     "a convolution by Winograd's algorithm, for conv by name: jit(f, {.algorithms = {.conv = "
     "ConvAlgorithm::WinogradF4x3}}) (strata/ops/contraction/algorithms.h)",
     "strata/ops/contraction/winograd.h"},
    {"leaky_relu", "x, and slope * x below 0", kActivations},
    {"elu", "x, and alpha * (exp(x) - 1) below 0", kActivations},
    {"selu", "elu, scaled to keep mean and variance", kActivations},
    {"gelu", "x times the normal distribution's function", kActivations},
    {"gelu_tanh", "gelu by its formula of tanh", kActivations},
    {"quick_gelu", "x * sigmoid(1.702 x)", kActivations},
    {"silu", "x * sigmoid(x)", kActivations},
    {"mish", "x * tanh(softplus(x))", kActivations},
    {"hard_sigmoid", "sigmoid by three straight lines", kActivations},
    {"hard_swish", "x * hard_sigmoid(x)", kActivations},
    {"softplus", "log(1 + exp(x))", kActivations},
    {"log_sigmoid", "log(sigmoid(x))", kActivations},
    {"softsign", "x / (1 + |x|)", kActivations},
    {"tan", "the tangent", kActivations},
    {"sinh", "the hyperbolic sine", kActivations},
    {"cosh", "the hyperbolic cosine", kActivations},
    {"log_add_exp", "log(exp(x) + exp(y))", kActivations},
};

}  // namespace

std::span<const CompositeEntry> all_composites() { return kComposites; }

const CompositeEntry* find_composite(std::string_view name) {
  const auto found = std::ranges::find(kComposites, name, &CompositeEntry::name);
  return found == std::end(kComposites) ? nullptr : found;
}

}  // namespace strata::ops
