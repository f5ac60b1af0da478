// A text as token ids in a file, mapped into memory: what a language model trains on.
//
//   0          8        12       16           24           32             48             64
//   | STRATOK2 | width  | vocab  | tokens     | text bytes | tokenizer    | checksum     | ids: u16 or u32, ... |
//   |          | u32    | u32    | u64        | u64        | hash, u64 x 2| hash, u64 x 2| little-endian        |
//
// The first hash is of the tokenizer.json, so that a file encoded with another tokenizer is noticed; the second of all
// other bytes. Both, and the ids against the vocabulary, are checked when the file is opened: a damaged id would
// otherwise be learnt from without a word.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "strata/base/bytes/hash.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/error/error.h"
#include "strata/text/bpe/tokenizer.h"

namespace strata::data {

/// The identity of a tokenizer: the hash of its tokenizer.json.
base::Hash128 tokenizer_hash(const text::Tokenizer& tokenizer);

struct EncodeProgress {
  uint64_t done_bytes = 0, total_bytes = 0;
};

/// Encodes a text into a file at `path`, u16 where the vocabulary fits, on all threads of the shared pool, and replaces
/// the file in one step. The text is cut into pieces behind empty lines (the ends of documents), so the tokens depend
/// on no thread. Throws E0002.
void encode_text(std::string_view text, const text::Tokenizer& tokenizer, const std::string& path,
                 const std::function<void(EncodeProgress)>& progress = nullptr);

class TokenFile {
 public:
  /// Errors: E0001, E0640.
  static base::Result<TokenFile> open(const std::string& path);

  int64_t size() const { return count_; }
  text::TokenId at(int64_t index) const { return width_ == 2 ? load<uint16_t>(index) : load<uint32_t>(index); }
  /// Copies `count` ids from `first` on to `out`.
  void copy(int64_t first, int64_t count, int32_t* out) const;

  int64_t vocabulary_size() const { return vocabulary_; }
  /// Bytes of the text that the tokens stand for: what bits per byte are counted over.
  uint64_t text_bytes() const { return text_bytes_; }
  const base::Hash128& tokenizer() const { return tokenizer_; }
  /// Throws E0640 unless the file was made with this tokenizer.
  void require_tokenizer(const text::Tokenizer& tokenizer) const;

 private:
  explicit TokenFile(base::MappedFile file) : file_(std::move(file)) {}

  template <class T>
  T load(int64_t index) const {
    T id;
    __builtin_memcpy(&id, ids_ + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return id;
  }
  base::Result<int64_t> read_header();
  int64_t first_outside_vocabulary() const;

  base::MappedFile file_;
  const std::byte* ids_ = nullptr;  ///< in file_
  int64_t count_ = 0, vocabulary_ = 0;
  int width_ = 2;  ///< bytes of an id
  uint64_t text_bytes_ = 0;
  base::Hash128 tokenizer_;
};

}  // namespace strata::data
