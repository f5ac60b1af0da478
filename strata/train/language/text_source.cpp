#include "strata/train/language/text_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/hash.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/progress.h"
#include "strata/base/terminal/screen.h"
#include "strata/data/corpus/corpus.h"
#include "strata/data/tokens/king_james.h"
#include "strata/text/bpe/trainer.h"
#include "strata/text/tokenizer_json/load.h"
#include "strata/text/tokenizer_json/save.h"

namespace strata::train {
namespace {

constexpr size_t kValidationBytes = 1'000'000;  // of the corpus

/// Raised when other files come of the same text.
constexpr int kCacheVersion = 2;

struct Texts {
  std::string name;
  std::string train, validation, held_out;  ///< held_out empty: the validation text
  std::string held_out_path;
};

/// Where a part of the text begins that has about `bytes` at the end: behind an empty line, or else a line.
size_t tail_begin(const std::string& text, size_t bytes) {
  const size_t from = text.size() - std::min(bytes, text.size());
  for (const char* end : {"\n\n", "\n"})
    if (const size_t at = text.find(end, from); at != std::string::npos && at + 4096 < text.size())
      return at + std::string_view(end).size();
  return from;
}

void cut_validation(Texts& texts, size_t bytes) {
  const size_t begin = tail_begin(texts.train, bytes);
  texts.validation = texts.train.substr(begin);
  texts.train.resize(begin);
}

Texts corpus_texts(const std::string& cache) {
  const data::Corpus corpus = data::debian_corpus({.cache = cache});
  Texts texts{.name = "Debian's texts",
              .train = base::read_text(corpus.train_path).value(),
              .held_out = base::read_text(corpus.held_out_path).value(),
              .held_out_path = corpus.held_out_path};
  cut_validation(texts, kValidationBytes);
  return texts;
}

Texts texts_of(const base::Config& config) {
  const std::string& kind = config.string_at("data.kind");
  const std::string path = config.has("data.path") ? config.string_at("data.path") : "";
  if (kind == "corpus") return corpus_texts(path);
  Texts texts{.name = kind == "king_james" ? "the King James Bible" : path,
              .train = kind == "king_james" ? data::king_james_text() : base::read_text(path).value()};
  cut_validation(texts, texts.train.size() / 10);
  return texts;
}

text::Tokenizer train_tokenizer(const std::string& text, int64_t vocabulary) {
  const int64_t merges = vocabulary - 256 - 1;
  base::ProgressBar bar({.label = "tokenizer", .total = merges, .unit = "merges"});
  int64_t shown = 0;
  text::BpeTrainer trainer({.vocabulary_size = static_cast<size_t>(vocabulary),
                            .special_tokens = {kEndOfText},
                            .progress = [&](const text::TrainProgress& p) {
                              if (p.phase != text::TrainProgress::Phase::Merging) return;
                              bar.advance(static_cast<int64_t>(p.done) - shown);
                              shown = p.done;
                            }});
  trainer.feed(text);
  text::Tokenizer tokenizer = trainer.train();
  bar.advance(std::max<int64_t>(0, merges - shown));
  bar.finish();
  return tokenizer;
}

void encode(const std::string& text, const text::Tokenizer& tokenizer, const std::string& path) {
  base::ProgressBar bar({.label = "encoding", .total = std::ssize(text), .unit = "B"});
  int64_t shown = 0;
  data::encode_text(text, tokenizer, path, [&](data::EncodeProgress p) {
    bar.advance(static_cast<int64_t>(p.done_bytes) - shown);
    shown = p.done_bytes;
  });
  bar.finish();
}

/// Files are replaced, but not folders that stand in their place.
void remove_folders_in(const std::string& folder) {
  for (const char* name : {"tokenizer.json", "train.tokens", "validation.tokens", "held_out.tokens"})
    if (const std::string path = folder + "/" + name; base::is_folder(path)) std::filesystem::remove_all(path);
}

void build(const std::string& folder, const Texts& texts, int64_t vocabulary) {
  base::make_folders(folder);
  remove_folders_in(folder);
  const text::Tokenizer tokenizer = train_tokenizer(texts.train, vocabulary);
  encode(texts.train, tokenizer, folder + "/train.tokens");
  encode(texts.validation, tokenizer, folder + "/validation.tokens");
  if (!texts.held_out.empty()) encode(texts.held_out, tokenizer, folder + "/held_out.tokens");
  text::save_tokenizer(tokenizer, folder + "/tokenizer.json");  // last: what makes the folder whole
}

std::shared_ptr<const data::TokenFile> open_tokens(const std::string& path, const text::Tokenizer& tokenizer) {
  auto file = std::make_shared<data::TokenFile>(data::TokenFile::open(path).value());
  file->require_tokenizer(tokenizer);
  return file;
}

TextSource open_folder(const std::string& folder, const Texts& texts, const std::string& text_hash) {
  TextSource source{.name = texts.name,
                    .held_out_path = texts.held_out_path,
                    .text_hash = text_hash,
                    .train_bytes = texts.train.size()};
  source.tokenizer = std::make_shared<text::Tokenizer>(text::load_tokenizer(folder + "/tokenizer.json").value());
  source.train = open_tokens(folder + "/train.tokens", *source.tokenizer);
  source.validation = open_tokens(folder + "/validation.tokens", *source.tokenizer);
  source.held_out =
      texts.held_out.empty() ? source.validation : open_tokens(folder + "/held_out.tokens", *source.tokenizer);
  return source;
}

}  // namespace

TextSource open_text_source(const base::Config& config) {
  const Texts texts = texts_of(config);
  const int64_t vocabulary = config.int_at("model.vocabulary");
  const std::string text_hash = base::sha256_hex(base::sha256_hex(texts.train) + base::sha256_hex(texts.validation) +
                                                 base::sha256_hex(texts.held_out));
  const std::string identity = fmt::format("{} {} {}", kCacheVersion, vocabulary, text_hash);
  const std::string folder = data::cache_folder() + "/tokens/" + base::hash_text(identity).hex();
  if (base::is_file(folder + "/tokenizer.json")) {
    try {
      return open_folder(folder, texts, text_hash);
    } catch (const base::Error& error) {
      base::write_human_line(fmt::format("the cached tokens are made anew: {}", error.message()));
    }
  }
  build(folder, texts, vocabulary);
  return open_folder(folder, texts, text_hash);
}

}  // namespace strata::train
