#include "strata/train/language/text_examples.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/config/config.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/tokens/token_windows.h"
#include "strata/report/html/page.h"
#include "strata/text/tokenizer_json/save.h"
#include "strata/train/language/generate_text.h"
#include "strata/train/language/text_source.h"
#include "strata/train/run/run_folder.h"
#include "strata/train/run/tree_state.h"
#include "strata/train/supervised/examples.h"

namespace strata::train {
namespace {

constexpr int64_t kValidationWindows = 64;  // of the evaluations during the training
constexpr const char* kPrompts[] = {"The package provides", "This option", "A library for"};

/// The text, if the model and the batches fit it; what is wrong is told by the key that mends it.
TextSource suited(TextSource source, const base::Config& config) {
  const int64_t context = config.int_at("model.context"), batch = config.int_at("train.batch");
  const int64_t found = source.tokenizer->vocabulary_size();
  if (found < config.int_at("model.vocabulary"))  // the model would learn, and then write, tokens that don't exist
    config.refuse("model.vocabulary", fmt::format("the text makes only {} tokens", found));
  for (const auto& [part, tokens] :
       {std::pair("training", source.train), {"validation", source.validation}, {"held-out", source.held_out}})
    if (tokens->size() <= context)
      config.refuse("model.context", fmt::format("{} needs {} tokens, the {} part of the text has {}", context,
                                                 context + 1, part, tokens->size()));
  const int64_t windows = (source.train->size() - 1) / context;
  if (batch > windows)
    config.refuse("train.batch", fmt::format("the training text has {} windows of {} tokens", windows, context));
  return source;
}

class TextExamples final : public Examples {
 public:
  explicit TextExamples(const base::Config& config)
      : source_(suited(open_text_source(config), config)),
        extents_(models::token_extents(config)),
        batch_(config.int_at("train.batch")) {}

  std::string name() const override { return source_.name; }
  std::string unit() const override { return "tokens"; }
  double units_of(const data::Batch& batch) const override { return static_cast<double>(batch.samples * context()); }
  models::Extents extents() const override { return extents_; }

  std::shared_ptr<const data::Dataset> training() const override {
    return std::make_shared<data::RandomWindows>(source_.train, context());
  }
  data::LoaderOptions order() const override {
    return {.order = data::Order::Sequential, .last_batch = data::LastBatch::Drop};  // the windows are random
  }
  std::optional<MeasuredPart> validation() const override {
    return MeasuredPart{.name = "val",
                        .samples = windows(source_.validation, {.window = context()}),
                        .batch = batch_,
                        .most = kValidationWindows};
  }
  MeasuredPart test() const override {
    return {.name = "held_out",
            .samples = windows(source_.held_out, {.window = context(),
                                                  .stride = std::max<int64_t>(1, context() / 2),
                                                  .start_token = source_.tokenizer->special_id(kEndOfText)}),
            .batch = batch_,
            .text_bytes = static_cast<int64_t>(source_.held_out->text_bytes()),
            .progress = "held-out text"};
  }

  void save(Snapshot& snapshot) const override {
    snapshot.facts["text"] = source_.text_hash;
    snapshot.facts["tokenizer"] = data::tokenizer_hash(*source_.tokenizer).hex();
  }
  void require_same(const Snapshot& snapshot) const override {
    if (fact(snapshot, "text") != source_.text_hash)
      throw base::Error(base::code::kForeignRun,
                        fmt::format("{} is not the text that the run was trained on", source_.name))
          .hint("its tokens would mean other things to the model: put the old text back, or start a new run");
    require_tokenizer(snapshot, *source_.tokenizer);
  }

  void prepare(const RunFolder& folder) const override {
    text::save_tokenizer(*source_.tokenizer, folder.file("tokenizer.json"));
  }
  void show(report::Page& page, const RunFolder&, const models::Model& model, const Tally&) const override {
    page.section("Samples").paragraph(
        "Written by the trained model from the first words, at temperature 0.8, top-k 40.");
    const infer::GenerateOptions options{
        .sampling = {.temperature = 0.8, .top_k = 40}, .tokens = 80, .context = context()};
    for (const char* prompt : kPrompts) page.sample(prompt, generate_text(model, *source_.tokenizer, prompt, options));
  }

 private:
  int64_t context() const { return extents_.context; }
  static std::shared_ptr<const data::Dataset> windows(const std::shared_ptr<const data::TokenFile>& tokens,
                                                      data::EvaluationOptions options) {
    return std::make_shared<data::EvaluationWindows>(tokens, options);
  }

  const TextSource source_;
  const models::Extents extents_;
  const int64_t batch_;
};

std::unique_ptr<Examples> open(const base::Config& config) { return std::make_unique<TextExamples>(config); }

}  // namespace

extern constinit const DataKind kCorpusKind = {
    .name = "corpus",
    .help = "prose out of Debian's packages",
    .gives = models::Input::Tokens,
    .asks = models::Output::NextTokens,
    .keys =
        [] {
          return std::vector{base::string_key("data.path", "", "folder that the corpus is kept in; empty: the cache")};
        },
    .open = open,
};

extern constinit const DataKind kKingJamesKind = {
    .name = "king_james",
    .help = "the King James Bible of Debian's package bible-kjv",
    .gives = models::Input::Tokens,
    .asks = models::Output::NextTokens,
    .keys = [] { return std::vector<base::ConfigKey>{}; },
    .open = open,
};

extern constinit const DataKind kTextKind = {
    .name = "text",
    .help = "a text of one's own",
    .gives = models::Input::Tokens,
    .asks = models::Output::NextTokens,
    .keys = [] { return std::vector{base::string_key("data.path", "", "the file")}; },
    .check =
        [](const base::Config& config) {
          if (config.string_at("data.path").empty()) config.refuse("data.kind", "a text needs its file in data.path");
        },
    .open = open,
};

void require_tokenizer(const Snapshot& snapshot, const text::Tokenizer& tokenizer) {
  const std::string &expected = fact(snapshot, "tokenizer"), found = data::tokenizer_hash(tokenizer).hex();
  if (found == expected) return;
  throw base::Error(base::code::kForeignRun,
                    fmt::format("the run was trained with another tokenizer: expected {}, found {}", expected, found));
}

}  // namespace strata::train
