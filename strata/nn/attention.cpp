// Legend: B batch, T queries, S keys, E width, H heads, D = E / H.
#include "strata/nn/attention.h"

#include <fmt/format.h>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/nn/dropout.h"
#include "strata/ops/composites/attention.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/shape/shape.h"

namespace strata::nn {
namespace {

void check_attention(const MultiHeadAttention& a, std::string_view owner) {
  const AttentionOptions& o = a.options;
  const base::OptionCheck check(base::code::kOptionOutOfRange, owner);
  check.integer("width", a.width, base::kExtent)
      .integer("heads", a.heads, base::kExtent)
      .integer("key_heads", o.key_heads, base::kExtentOrNone);
  if (a.width % a.heads != 0)
    check.refuse("width", std::to_string(a.width), fmt::format("a multiple of the {} heads", a.heads));
  if (o.key_heads > 0 && a.heads % o.key_heads != 0)
    check.refuse("key_heads", std::to_string(o.key_heads), fmt::format("a divisor of the {} heads", a.heads));
  if (o.rope) check.number("rope.base", o.rope->base, ops::kRopeBase);
}

int64_t head_width(const MultiHeadAttention& a) { return a.width / a.heads; }
int64_t key_heads(const MultiHeadAttention& a) { return a.options.key_heads > 0 ? a.options.key_heads : a.heads; }
int64_t key_width(const MultiHeadAttention& a) { return key_heads(a) * head_width(a); }

Tensor slice_of(const Tensor& x, int64_t axis, int64_t first, int64_t count, Source at) {
  return slice_axis(x, axis, {.first = first, .limit = Dim(first + count)}, at);
}

/// [B, T, H * D] -> [B, H, T, D]
Tensor split_heads(const Tensor& x, int64_t heads, int64_t depth, Source at) {
  return swap_axes(reshape(x, {x.dim(0), x.dim(1), heads, depth}, at), 1, 2, at);
}

/// What the weights are multiplied by: 0 for those that are dropped; none where nothing is.
std::optional<Tensor> dropout_factor(const MultiHeadAttention& a, const Tensor& q_BTE, const Tensor& k_BSE,
                                     Context& context, Source at) {
  const Tensor is_kept =
      dropout_mask(a.options.dropout, a.path, {q_BTE.dim(0), a.heads, q_BTE.dim(1), k_BSE.dim(1)}, context, at);
  if (!is_kept.defined()) return std::nullopt;
  return mul(cast(is_kept, DType::f32, at), 1 / (1 - a.options.dropout), at);
}

/// Attention of projected queries, keys and values, and the output projection.
Tensor attend_projected(const MultiHeadAttention& a, const Tensor& q_BTE, const Tensor& k_BSE, const Tensor& v_BSE,
                        Context& context, const Tensor& mask, Source at) {
  const int64_t depth = head_width(a);
  Tensor q_BHTD = split_heads(q_BTE, a.heads, depth, at), k_BGSD = split_heads(k_BSE, key_heads(a), depth, at);
  const Tensor v_BGSD = split_heads(v_BSE, key_heads(a), depth, at);
  if (a.options.rope) {
    q_BHTD = (*a.options.rope)(q_BHTD, 0, at);
    k_BGSD = (*a.options.rope)(k_BGSD, 0, at);
  }
  const std::optional<Tensor> visible = mask.defined() ? std::optional(mask) : std::nullopt;
  const Tensor y_BHTD = attention(q_BHTD, k_BGSD, v_BGSD, visible, {.is_causal = a.options.is_causal},
                                  dropout_factor(a, q_BTE, k_BSE, context, at), {}, {}, at);
  const Tensor y_BTE = reshape(swap_axes(y_BHTD, 1, 2, at), {q_BTE.dim(0), q_BTE.dim(1), a.width}, at);
  return a.out_proj(y_BTE, at);
}

}  // namespace

Tensor Rope::operator()(const Tensor& x, int64_t first, Source at) const {
  const LineScope scope(at);
  const Tensor positions = ops::lift<Tensor>(
      at, [&](ir::Value v) { return ops::iota(v.graph(), ir::Type::of(DType::i64, {v.type().dim(-2)}), 0) + first; },
      x);
  return (*this)(x, positions, at);
}
Tensor Rope::operator()(const Tensor& x, const Tensor& positions, Source at) const {
  return rope(x, positions, base, at);
}

void MultiHeadAttention::initialise(const Initialiser& init) {
  check_attention(*this, init.owner("attention"));
  const int64_t rows = width + 2 * key_width(*this);
  in_proj_weight = init.uniform("in_proj_weight", {rows, width}, xavier_uniform_bound({width, rows}));
  if (options.has_bias == Bias::None) return;
  in_proj_bias = init.zeros({rows});
  out_proj.bias = init.zeros({width});
}

Tensor MultiHeadAttention::operator()(const Tensor& x_BTE, const Tensor& mask, Source at) const {
  Context evaluation;
  return (*this)(x_BTE, evaluation, mask, at);
}
Tensor MultiHeadAttention::attend(const Tensor& x_BTE, const Tensor& memory_BSE, const Tensor& mask, Source at) const {
  Context evaluation;
  return attend(x_BTE, memory_BSE, evaluation, mask, at);
}

Tensor MultiHeadAttention::operator()(const Tensor& x_BTE, Context& context, const Tensor& mask, Source at) const {
  const LayerScope scope(path, at);
  ops::noting_line(user_line(at), [&] { check_attention(*this, "attention"); });
  const Tensor all_BTR = linear(x_BTE, in_proj_weight, in_proj_bias, at);
  const int64_t keys = key_width(*this);
  return attend_projected(*this, slice_of(all_BTR, 2, 0, width, at), slice_of(all_BTR, 2, width, keys, at),
                          slice_of(all_BTR, 2, width + keys, keys, at), context, mask, at);
}

Tensor MultiHeadAttention::attend(const Tensor& x_BTE, const Tensor& memory_BSE, Context& context, const Tensor& mask,
                                  Source at) const {
  const LayerScope scope(path, at);
  ops::noting_line(user_line(at), [&] { check_attention(*this, "attention"); });
  const int64_t keys = key_width(*this);
  auto project = [&](const Tensor& x, int64_t first, int64_t count) {
    const Tensor bias = in_proj_bias.defined() ? slice_of(in_proj_bias, 0, first, count, at) : Tensor();
    return linear(x, slice_of(in_proj_weight, 0, first, count, at), bias, at);
  };
  return attend_projected(*this, project(x_BTE, 0, width), project(memory_BSE, width, keys),
                          project(memory_BSE, width + keys, keys), context, mask, at);
}

}  // namespace strata::nn
