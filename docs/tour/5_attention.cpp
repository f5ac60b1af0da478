// Chapter 5: attention, half and 8-bit numbers, and algorithms by name.
#include "strata/strata.h"

using namespace strata;

// What a query, key and value are made of: [batch, head, position, channel].
struct Heads {
  Tensor q_BHTD, k_BHTD, v_BHTD;
  STRATA_FIELDS(q_BHTD, k_BHTD, v_BHTD)
};

double worst(const Tensor& a, const Tensor& b) { return max(abs(cast(a, DType::f32) - cast(b, DType::f32))).item(); }

// Attention is one function with options: a window, soft caps and grouped heads; masks, sinks and packed segments are
// operands that may be left out. Scores are never whole: memory grows with the length, not with its square.
bool windows(const Heads& x) {
  const Tensor near = attention(x.q_BHTD, x.k_BHTD, x.v_BHTD, {}, {.is_causal = true, .window = 4, .soft_cap = 30});
  const Tensor i = reshape(Tensor::arange(16), {16, 1}), j = reshape(Tensor::arange(16), {1, 16});
  const Tensor by_mask = attention(x.q_BHTD, x.k_BHTD, x.v_BHTD, (j <= i) & (j > i - 4), {.soft_cap = 30});
  print("a window of 4: {}, {:.0e} from the same as a mask", near.type().str(), worst(near, by_mask));
  return worst(near, by_mask) < 1e-6;
}

// A function of the scores, here ALiBi's distance times a slope for each head. It sees a block of scores at a time, so
// that it works element by element; what would look across a block is refused (E0206). Its gradient is made from it.
bool scores(const Heads& x) {
  const Tensor slopes = Tensor::from({0.5f, 0.25f});
  auto loss = [&](const Heads& h) {
    const ScoreFn alibi = [&](const Tensor& score, const ScorePlace& at) {
      return score - take(slopes, at.head, 0) * cast(at.query - at.key, DType::f32);
    };
    return sum(square(attention_with_score(h.q_BHTD, h.k_BHTD, h.v_BHTD, alibi, {.is_causal = true})));
  };
  auto by_mask = [&](const Heads& h) {
    const Tensor keys = reshape(cast(Tensor::arange(16), DType::f32), {1, 1, 1, 16});
    const Tensor bias = reshape(slopes, {1, 2, 1, 1}) * keys;  // what is the same for a row is nothing to its softmax
    return sum(square(attention(h.q_BHTD, h.k_BHTD, h.v_BHTD, bias, {.is_causal = true})));
  };
  auto step = jit([&](const Heads& h) { return value_and_grad(loss, h); });
  const auto [value, grads] = step(x);
  const Heads expected = grad(by_mask, x);
  print("a function of the scores: loss {:.4f}, gradient of k {:.0e} from the same as a mask", value,
        worst(grads.k_BHTD, expected.k_BHTD));
  return worst(grads.k_BHTD, expected.k_BHTD) < 1e-4 && worst(grads.q_BHTD, expected.q_BHTD) < 1e-4;
}

// Products of bf16 accumulate in f32 and round once; those of 8-bit integers are exact in i32, and are scaled behind.
bool narrow_products() {
  const Tensor x_MK = normal(Key(4), {8, 64}), w_KN = normal(Key(5), {64, 8}), wide = matmul(x_MK, w_KN);
  const Tensor half = matmul(cast(x_MK, DType::bf16), cast(w_KN, DType::bf16));
  const Tensor step = Tensor::scalar(0.03f), zero = Tensor::scalar(0, DType::i8);
  const Tensor bytes = matmul_integer(quantize_linear(x_MK, step, zero), quantize_linear(w_KN, step, zero));
  const Tensor scaled = cast(bytes, DType::f32) * square(step);
  print("products into {}: within {:.2f}; of bytes into {}: within {:.2f}", half.type().str(), worst(half, wide),
        bytes.type().str(), worst(scaled, wide));
  return worst(half, wide) < 0.25 && worst(scaled, wide) < 1;
}

// An algorithm that rounds otherwise is never chosen for you: it is asked for by name, for one call or a whole program,
// and explain() tells which contractions took it.
bool winograd() {
  const Tensor x_NCHW = normal(Key(6), {2, 8, 16, 16}), w_OCHW = normal(Key(7), {8, 8, 3, 3});
  auto layer = [](const Tensor& x, const Tensor& w) { return conv(x, w, {.pad_lo = {1, 1}, .pad_hi = {1, 1}}); };
  auto fast = jit(layer, {.algorithms = {.conv = ConvAlgorithm::WinogradF4x3}});
  const double off = worst(fast(x_NCHW, w_OCHW), layer(x_NCHW, w_OCHW));
  print("Winograd is {:.0e} off\n{}", off, fast.explain());
  return off > 0 && off < 1e-3 && fast.explain().find("winograd_f4x3") != std::string::npos;
}

int main() {
  const Shape shape{1, 2, 16, 8};
  const Heads x{normal(Key(1), shape), normal(Key(2), shape), normal(Key(3), shape)};
  const bool all[] = {windows(x), scores(x), narrow_products(), winograd()};
  return all[0] && all[1] && all[2] && all[3] ? 0 : 1;
}
