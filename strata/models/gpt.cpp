// Legend: B batch, T time, E width, V vocabulary.
#include "strata/models/gpt.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/models/architecture.h"
#include "strata/ops/composites/dropout.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/shape/shape.h"

namespace strata::models {
namespace {

nn::Bias bias_of(const GptConfig& c) { return c.has_bias ? nn::Bias::Learned : nn::Bias::None; }

GptBlock make_block(const GptConfig& c) {
  return {.ln_1 = {c.width},
          .attn = {c.width, c.heads, {.is_causal = true, .has_bias = bias_of(c), .dropout = c.dropout}},
          .ln_2 = {c.width},
          .mlp = {.c_fc = {c.width, 4 * c.width, bias_of(c)}, .c_proj = {4 * c.width, c.width, bias_of(c)}},
          .attn_dropout = {c.dropout},
          .mlp_dropout = {c.dropout}};
}

GptConfig checked(const GptConfig& c) {
  const base::OptionCheck check(base::code::kOptionOutOfRange, "gpt");
  check.integer("layers", c.layers, kGptLayers)
      .integer("width", c.width, kGptWidth)
      .integer("heads", c.heads, kGptHeads)
      .integer("vocabulary", c.vocabulary, base::kExtent)
      .integer("context", c.context, kGptContext)
      .number("dropout", c.dropout, ops::kDropRate);
  if (c.width % c.heads != 0)
    check.refuse("width", std::to_string(c.width), fmt::format("a multiple of the {} heads", c.heads));
  return c;
}

std::vector<base::ConfigKey> keys() {
  const GptConfig usual;
  return {
      base::int_key("model.layers", usual.layers, "transformer blocks").within(kGptLayers),
      base::int_key("model.width", usual.width, "channels of the residual stream; a multiple of model.heads")
          .within(kGptWidth),
      base::int_key("model.heads", usual.heads, "attention heads").within(kGptHeads),
      base::float_key("model.dropout", usual.dropout, "probability with which activations are dropped")
          .within(ops::kDropRate),
      base::bool_key("model.tied", usual.is_tied, "the output layer shares the token embedding"),
  };
}

void check_keys(const base::Config& config) {
  const int64_t width = config.int_at("model.width"), heads = config.int_at("model.heads");
  if (width % heads != 0)
    config.refuse("model.width", fmt::format("{} is no multiple of model.heads = {}", width, heads));
}

Model make(const base::Config& config, const Extents& data, const Key& key) {
  Gpt model({.layers = config.int_at("model.layers"),
             .width = config.int_at("model.width"),
             .heads = config.int_at("model.heads"),
             .vocabulary = data.vocabulary,
             .context = data.context,
             .dropout = config.float_at("model.dropout"),
             .is_tied = config.bool_at("model.tied")});
  nn::init(model, key);
  return Model(std::move(model));
}

constexpr std::string_view kSettings[] = {"model.heads"};

}  // namespace

extern constinit const Architecture kGptArchitecture = {
    .name = "gpt",
    .help = "a GPT-2-style language model: pre-norm blocks of causal attention and an MLP",
    .eats = Input::Tokens,
    .returns = Output::NextTokens,
    .keys = keys,
    .check = check_keys,
    .title = [](const base::Config&) { return std::string("GPT"); },
    .make = make,
    .settings = kSettings,
    .trains_in_half = true,
};

Tensor GptMlp::operator()(const Tensor& x_BTE, Source at) const {
  const LineScope scope(at);
  return c_proj(gelu_tanh(c_fc(x_BTE)));
}

Tensor GptBlock::operator()(const Tensor& x_BTE, nn::Context& context, Source at) const {
  const LineScope scope(at);
  const Tensor h_BTE = x_BTE + attn_dropout(attn(ln_1(x_BTE), context), context);
  return h_BTE + mlp_dropout(mlp(ln_2(h_BTE)), context);
}

Gpt::Gpt(const GptConfig& c, Source at)
    : config(ops::noting_line(at, [&] { return checked(c); })),
      wte{c.vocabulary, c.width},
      wpe{c.context, c.width},
      dropout{c.dropout},
      ln_f{c.width} {
  for (int64_t i = 0; i < c.layers; ++i) h.push_back(make_block(c));
  lm_head = {c.width, c.vocabulary, nn::Bias::None};
}

void Gpt::initialise(const nn::Initialiser& init) {
  const double deviation = 0.02, residual = deviation / std::sqrt(2.0 * static_cast<double>(config.layers));
  auto fill = [&](Tensor& weight, const std::string& name, double d) { weight = init.normal(name, weight.shape(), d); };
  auto clear = [&](Tensor& bias) {
    if (bias.defined()) bias = init.zeros(bias.shape());
  };
  fill(wte.weight, "wte.weight", deviation);
  fill(wpe.weight, "wpe.weight", deviation);
  for (size_t i = 0; i < h.size(); ++i) {
    const std::string block = fmt::format("h.{}.", i);
    fill(h[i].attn.in_proj_weight, block + "attn.in_proj_weight", deviation);
    fill(h[i].attn.out_proj.weight, block + "attn.out_proj.weight", residual);
    fill(h[i].mlp.c_fc.weight, block + "mlp.c_fc.weight", deviation);
    fill(h[i].mlp.c_proj.weight, block + "mlp.c_proj.weight", residual);
    clear(h[i].mlp.c_fc.bias);
    clear(h[i].mlp.c_proj.bias);
  }
  if (config.is_tied)
    lm_head.weight = Tensor();  // of a model that was not tied before
  else
    fill(lm_head.weight, "lm_head.weight", deviation);
}

Tensor Gpt::features(const Tensor& ids_BT, nn::Context& context, Source at) const {
  const LineScope scope(at);
  const Dim length = ids_BT.dim(1);
  if (length.is_constant() && length.constant() > config.context)
    ops::noting_line(user_line(at), [&] {
      throw base::Error(base::code::kLayerOptions,
                        fmt::format("gpt: {} positions, the context has {}", length.constant(), config.context));
    });
  const Tensor positions_TE = slice_axis(wpe.weight, 0, {.limit = length});
  Tensor x_BTE = dropout(wte(ids_BT) + positions_TE, context);
  for (const GptBlock& block : h) x_BTE = block(x_BTE, context);
  return ln_f(x_BTE);
}

Tensor Gpt::operator()(const Tensor& ids_BT, nn::Context& context, Source at) const {
  const LineScope scope(at);
  const Tensor x_BTE = features(ids_BT, context);
  return config.is_tied ? nn::linear(x_BTE, wte.weight, {}) : lm_head(x_BTE);
}

}  // namespace strata::models
