#include "strata/text/bpe/encoder.h"

#include <cstring>

#include "strata/text/pretokenize/gpt2_split.h"

namespace strata::text {
namespace {

constexpr std::uint64_t low_bytes(std::size_t n) { return n >= 8 ? ~0ull : (1ull << (8 * n)) - 1; }

// The cache key of a word of at most 15 bytes; `end` is the end of the text, up to which reading is allowed.
WordCache::Key key_of(std::string_view word, const char* end) {
  const std::size_t n = word.size();
  const char* p = word.data();
  const std::uint64_t length = std::uint64_t{n} << 56;
  if (end - p >= 16) {
    std::uint64_t low, high;
    std::memcpy(&low, p, 8);
    std::memcpy(&high, p + 8, 8);
    return {low & low_bytes(n), (n > 8 ? high & low_bytes(n - 8) : 0) | length};
  }
  return {load_prefix(p, n), (n > 8 ? load_prefix(p + 8, n - 8) : 0) | length};
}

// Tokens on their way to the caller's vector, which is appended to in batches: a push_back a token costs more than
// finding it.
class Staging {
 public:
  explicit Staging(std::vector<TokenId>& out) : out_(&out) {}

  void add(const WordCache::Slot& slot) {
    if (count_ + WordCache::kMaxTokens > kCapacity) flush();
    std::memcpy(ids_ + count_, slot.ids, sizeof(slot.ids));
    ids_[count_] &= kMaxTokenId;
    count_ += slot.count();
  }

  void add(std::span<const TokenId> ids) {
    if (count_ + ids.size() > kCapacity) flush();
    if (ids.size() > kCapacity) {
      out_->insert(out_->end(), ids.begin(), ids.end());
      return;
    }
    std::memcpy(ids_ + count_, ids.data(), ids.size_bytes());
    count_ += ids.size();
  }

  void flush() {
    out_->insert(out_->end(), ids_, ids_ + count_);
    count_ = 0;
  }

 private:
  static constexpr std::size_t kCapacity = 1024;

  std::vector<TokenId>* out_;
  std::size_t count_ = 0;
  TokenId ids_[kCapacity];
};

}  // namespace

void Encoder::encode(std::string_view text, std::vector<TokenId>& ids) { encode_pass(0, text, ids); }

void Encoder::encode_pass(std::size_t pass, std::string_view text, std::vector<TokenId>& ids) {
  const auto& finders = tokenizer_->special_finders();
  if (pass == finders.size()) return encode_plain(text, ids);
  if (finders[pass].empty()) return encode_pass(pass + 1, text, ids);
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokenFinder::Match match = finders[pass].find(text, at);
    encode_pass(pass + 1, text.substr(at, match.begin - at), ids);
    if (match.bytes == 0) return;
    ids.push_back(match.id);
    at = match.begin + match.bytes;
  }
}

void Encoder::encode_plain(std::string_view text, std::vector<TokenId>& ids) {
  const char* const end = text.data() + text.size();
  Staging staging(ids);
  Gpt2Splitter words(text);
  for (std::string_view word; words.next(word);) {
    if (word.size() > WordCache::kMaxWordBytes) {
      staging.add(merger_.merge(word));
      continue;
    }
    const WordCache::Key key = key_of(word, end);
    if (const WordCache::Slot* slot = cache_.find(key)) {
      staging.add(*slot);
      continue;
    }
    const std::span<const TokenId> tokens = merger_.merge(word);
    staging.add(tokens);
    if (tokens.size() <= WordCache::kMaxTokens) cache_.insert(key, tokens);
  }
  staging.flush();
}

}  // namespace strata::text
