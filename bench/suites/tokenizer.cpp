// Byte-level BPE on one thread against the Hugging Face `tokenizers` library: training, and encoding with the same
// tokenizer.json, which must give the same tokens. Seconds are CPU time: with one thread they are what the work costs,
// whoever else is on the machine.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "bench/harness/contest.h"
#include "bench/harness/peer.h"
#include "bench/harness/suite.h"
#include "bench/texts/english.h"
#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/text/bpe/encoder.h"
#include "strata/text/bpe/trainer.h"
#include "strata/text/tokenizer_json/save.h"

namespace strata::bench {
namespace {

constexpr size_t kVocabulary = 4096;

std::vector<std::string_view> split_documents(std::string_view text) {
  std::vector<std::string_view> documents;
  for (size_t at = 0; at < text.size();) {
    const size_t gap = text.find("\n\n", at), end = gap == std::string_view::npos ? text.size() : gap + 2;
    documents.push_back(text.substr(at, end - at));
    at = end;
  }
  return documents;
}

/// The same sum as in bench/peers/tokenizers_peer.py.
int64_t checksum(const std::vector<text::TokenId>& ids) {
  uint64_t sum = 0;
  for (const text::TokenId id : ids) sum = (sum * 31 + id) & 0xFFFFFFFF;
  return sum;
}

class TokenizerContest {
 public:
  explicit TokenizerContest(const SuiteOptions& options) : options_(options) {
    train();
    base::write_file(folder_ / "text.txt", text_.text);
    base::write_file(folder_ / "tokenizer.json", text::tokenizer_json(*tokenizer_));
    const base::Json setup = base::Json::object()
                                 .set("text", folder_ / "text.txt")
                                 .set("vocabulary", kVocabulary)
                                 .set("tokenizer", folder_ / "tokenizer.json");
    if (options.with_peers) peer_ = python_peer("tokenizers_peer.py", setup, reply_);
  }

  void run(const std::string& what, double bar, const Report& report) {
    std::vector<Contestant> contestants = {{"strata", [&] { return what == "train" ? train() : encode(); }}};
    if (peer_) contestants.push_back({"tokenizers", [&] { return peer_seconds(what); }});
    const std::vector<double> seconds = contest(contestants, std::min(options_.rounds, 5));
    Row row{.workload = fmt::format("{}: {:.1f} MB of {}, vocabulary {}", what,
                                    static_cast<double>(text_.text.size()) * 1e-6, text_.name, kVocabulary),
            .ours = seconds[0],
            .unit = "CPU s",
            .bar = bar};
    if (peer_) row.against("tokenizers", reply_.at("version").as_string(), seconds[1]);
    report(std::move(row));
  }

 private:
  double train() {
    return cpu_seconds([&] { tokenizer_ = text::train_bpe(documents_, {.vocabulary_size = kVocabulary}); });
  }
  double encode() {
    ids_.clear();
    return cpu_seconds([&] {
      text::Encoder encoder(*tokenizer_);
      for (const std::string_view document : documents_) encoder.encode(document, ids_);
    });
  }
  double peer_seconds(const std::string& what) {
    const base::Json reply = peer_->ask(base::Json::object().set("do", "run").set("what", what));
    if (what == "encode" && reply.at("checksum").as_int() != checksum(ids_))
      throw base::Error(base::code::kPeerFailed, "bench: the tokenizers library gets other tokens than we do");
    return reply.at("seconds").as_double();
  }

  const SuiteOptions& options_;
  EnglishText text_ = english_text();
  std::vector<std::string_view> documents_ = split_documents(text_.text);
  std::optional<text::Tokenizer> tokenizer_;
  std::vector<text::TokenId> ids_;
  base::TempFolder folder_{"bench-tokenizer"};
  std::unique_ptr<Peer> peer_;
  base::Json reply_;
};

}  // namespace

void run_tokenizer(const SuiteOptions& options, const Report& report) {
  TokenizerContest contest(options);
  contest.run("train", 2, report);
  contest.run("encode", 4, report);
}

}  // namespace strata::bench
