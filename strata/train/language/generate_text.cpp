#include "strata/train/language/generate_text.h"

#include <fmt/format.h>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/models/list.h"
#include "strata/tensor/jit/jit.h"
#include "strata/text/tokenizer_json/load.h"
#include "strata/train/language/text_examples.h"
#include "strata/train/language/text_source.h"
#include "strata/train/open_task.h"
#include "strata/train/run/checkpoint.h"
#include "strata/train/run/tree_state.h"

namespace strata::train {
namespace {

struct Logits {
  Tensor operator()(const models::Model& m, Tensor x_BT) const {
    nn::Context context;
    return m(x_BT, context);
  }
};

}  // namespace

std::string generate_text(const models::Model& model, const text::Tokenizer& tokenizer, std::string_view prompt,
                          infer::GenerateOptions options) {
  auto logits = jit(Logits{}, {.name = "logits"});
  const auto end = tokenizer.special_id(kEndOfText);
  if (end) options.end_token = *end;
  std::vector<text::TokenId> ids = tokenizer.encode(prompt);
  std::vector<int64_t> tokens(ids.begin(), ids.end());
  if (tokens.empty() && end) tokens.push_back(*end);
  const auto window_logits = [&](const ir::HostArray& window) { return logits(model, Tensor(window)).array(); };
  for (int64_t token : infer::generate(window_logits, tokens, options)) ids.push_back(token);
  return tokenizer.decode(ids, text::SpecialOutput::Skip);
}

std::string LanguageModel::continued(std::string_view prompt, infer::GenerateOptions options) const {
  options.context = context;
  return generate_text(model, tokenizer, prompt, std::move(options));
}

LanguageModel load_language_model(const std::string& run_path) {
  const auto config = open_config(run_path);
  const models::Architecture& architecture = models::architecture(config->string_at("model.kind"));
  if (architecture.returns != models::Output::NextTokens)
    throw base::Error(base::code::kUnableModel,
                      fmt::format("{} holds a {}, which generates no text", run_path, architecture.name));
  if (!base::is_file(run_path + "/checkpoint.safetensors"))
    throw base::Error(base::code::kNoCheckpoint, "run folder " + run_path + " has no checkpoint.safetensors");
  const models::Extents extents = models::token_extents(*config);
  LanguageModel trained{.model = architecture.make(*config, extents, Key(0)),
                        .context = extents.context,
                        .tokenizer = text::load_tokenizer(run_path + "/tokenizer.json").value()};
  const Snapshot snapshot = load_checkpoint(run_path + "/checkpoint.safetensors");
  require_settings(snapshot, *config, models::settings_of(architecture));
  require_tokenizer(snapshot, trained.tokenizer);
  restore_leaves(snapshot, "model", leaves_of(trained.model));
  return trained;
}

}  // namespace strata::train
