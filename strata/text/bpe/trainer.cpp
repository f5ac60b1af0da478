#include "strata/text/bpe/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "strata/base/error/codes/data_codes.h"
#include "strata/text/bpe/byte_alphabet.h"
#include "strata/text/bpe/pair_index.h"
#include "strata/text/pretokenize/gpt2_split.h"

namespace strata::text {
namespace {

constexpr std::uint64_t kMergesPerReport = 256;

// A pair with the count it had when it was queued. Counts of queued pairs only fall, so an entry whose count is still
// true is the maximum, and one that has fallen is queued again: no entry needs to be found and changed.
struct Queued {
  std::int64_t count;
  std::uint64_t key;
  std::uint32_t pair;

  bool operator<(const Queued& other) const { return count != other.count ? count < other.count : key > other.key; }
};

// Grows the vocabulary of `parts` merge by merge.
class MergeLearner {
 public:
  MergeLearner(TokenizerParts& parts, const WordCounts& words, std::span<const TokenId, 256> byte_tokens)
      : parts_(parts), index_(words, byte_tokens) {
    for (const SpecialToken& token : parts.special_tokens) special_.emplace(token.content, token.id);
    for (TokenId id = 0; id < parts.tokens.size(); ++id) ids_.emplace(parts.tokens[id], id);
    for (std::uint32_t i = 0; i < index_.size(); ++i) queue(i);
  }

  void learn(const TrainBpeOptions& options) {
    const std::int64_t least = std::max<std::uint64_t>(options.min_frequency, 1);
    for (Queued best; parts_.tokens.size() < options.vocabulary_size && pop(best) && best.count >= least;) {
      const std::size_t before = parts_.tokens.size();
      merge(best.pair);
      if (options.progress && before % kMergesPerReport == 0) {
        options.progress({TrainProgress::Phase::Merging, before, options.vocabulary_size});
      }
    }
  }

 private:
  void queue(std::uint32_t i) {
    const PairIndex::Pair& pair = index_.pair(i);
    if (pair.count > 0) queue_.push({pair.count, pair.key, i});
  }

  // The most frequent pair, with its present count; false if there is none.
  bool pop(Queued& best) {
    while (!queue_.empty()) {
      best = queue_.top();
      queue_.pop();
      if (index_.pair(best.pair).count == best.count) return true;
      queue(best.pair);
    }
    return false;
  }

  void merge(std::uint32_t pair) {
    const std::uint64_t key = index_.pair(pair).key;
    const TokenId left = key >> 32, right = key;
    const std::string bytes = parts_.tokens[left] + parts_.tokens[right];
    if (special_.contains(spell_bytes(bytes))) return;  // its id would stand for a special token
    const auto [found, fresh] = ids_.emplace(bytes, parts_.tokens.size());
    const TokenId result = found->second;
    if (fresh) parts_.tokens.push_back(bytes);
    if (merged_.size() <= pair) merged_.resize(pair + 1);
    if (!merged_[pair]) parts_.merges.push_back({left, right, result});  // again only if another merge remade `left`
    merged_[pair] = true;
    for (std::uint32_t gained : index_.merge(pair, result)) queue(gained);
  }

  TokenizerParts& parts_;
  PairIndex index_;
  std::priority_queue<Queued> queue_;
  std::vector<bool> merged_;  // by pair of index_
  std::unordered_map<std::string, TokenId> ids_;
  std::unordered_map<std::string, TokenId> special_;
};

std::array<TokenId, 256> byte_ids(std::size_t special_tokens) {
  std::array<TokenId, 256> ids{};
  TokenId next = special_tokens;
  for (std::uint8_t byte : bytes_in_spelling_order()) ids[byte] = next++;
  return ids;
}

}  // namespace

BpeTrainer::BpeTrainer(TrainBpeOptions options) : options_(std::move(options)) {
  const auto& specials = options_.special_tokens;
  const std::size_t least = 256 + specials.size();
  if (options_.vocabulary_size < least || options_.vocabulary_size > kMaxTokenId + std::size_t{1}) {
    throw base::Error(base::code::kUntrainableTokenizer,
                      fmt::format("train_bpe: vocabulary_size is {}, expected {} to {}", options_.vocabulary_size,
                                  least, kMaxTokenId + 1))
        .note(fmt::format("256 bytes and {} special tokens are always in the vocabulary", specials.size()));
  }
  for (std::size_t i = 0; i < specials.size(); ++i) {
    base_.special_tokens.push_back({specials[i], static_cast<TokenId>(i)});
    base_.tokens.emplace_back();
  }
  for (std::uint8_t byte : bytes_in_spelling_order()) base_.tokens.emplace_back(1, static_cast<char>(byte));
  Tokenizer::make(base_).value();  // refuses bad special tokens before hours are spent on the text
  for (const SpecialToken& token : base_.special_tokens) specials_.add(token.content, token.id);
}

void BpeTrainer::feed(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokenFinder::Match match = specials_.find(text, at);
    feed_plain(text.substr(at, match.begin - at));
    at = match.begin + match.bytes;
  }
  fed_bytes_ += text.size();
  if (options_.progress) options_.progress({TrainProgress::Phase::CountingWords, fed_bytes_, 0});
}

void BpeTrainer::feed_plain(std::string_view text) {
  Gpt2Splitter splitter(text);
  for (std::string_view word; splitter.next(word);) words_.add(word);
}

Tokenizer BpeTrainer::train() const {
  TokenizerParts parts = base_;
  MergeLearner(parts, words_, byte_ids(options_.special_tokens.size())).learn(options_);
  return Tokenizer::make(std::move(parts)).value();
}

Tokenizer train_bpe(std::span<const std::string_view> chunks, TrainBpeOptions options) {
  BpeTrainer trainer(std::move(options));
  for (std::string_view chunk : chunks) trainer.feed(chunk);
  return trainer.train();
}

}  // namespace strata::text
