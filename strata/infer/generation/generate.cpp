#include "strata/infer/generation/generate.h"

#include <algorithm>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"

namespace strata::infer {
namespace {

/// The last tokens from the window's start on; 0 behind them.
ir::HostArray window_of(const std::vector<int64_t>& text, int64_t begin, int64_t context) {
  ir::HostArray window(ir::DType::i32, {1, context});
  for (int64_t i = begin; i < std::ssize(text); ++i) window.set_int(i - begin, text[i]);
  return window;
}

}  // namespace

std::vector<int64_t> generate(const WindowLogits& model, std::vector<int64_t> prompt, const GenerateOptions& options) {
  if (prompt.empty()) throw base::Error(base::code::kUnableModel, "generate: the prompt has no token");
  base::OptionCheck(base::code::kOptionOutOfRange, "generate")
      .integer("tokens", options.tokens, base::Bounds::at_least(0))
      .integer("context", options.context, base::kExtent)
      .integer("end_token", options.end_token, base::Bounds::at_least(-1));
  check_options(options.sampling);
  std::vector<int64_t> made;
  for (int64_t i = 0; i < options.tokens; ++i) {
    const auto length = std::ssize(prompt);
    const int64_t begin = std::max<int64_t>(0, length - options.context);
    const ir::HostArray logits = model(window_of(prompt, begin, options.context));
    const int64_t vocabulary = logits.shape()[2];
    const auto row = logits.as<float>().subspan((length - begin - 1) * vocabulary, vocabulary);
    const int64_t token = sample(row, options.sampling, length);
    if (token == options.end_token) break;
    prompt.push_back(token);
    made.push_back(token);
    if (options.on_token) options.on_token(token);
  }
  return made;
}

}  // namespace strata::infer
