#include "strata/data/tokens/token_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/text/bpe/encoder.h"
#include "strata/text/tokenizer_json/save.h"

namespace strata::data {
namespace {

using base::Error;

constexpr std::string_view kMagic = "STRATOK2";
constexpr size_t kSummedBytes = 48, kHeaderBytes = 64;  // the checksum stands between them
constexpr size_t kPieceBytes = size_t{1} << 20;

/// Pieces of about kPieceBytes that end behind an empty line; where there is none for long, the piece is long.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    size_t end = text.size() <= kPieceBytes ? std::string_view::npos : text.find("\n\n", kPieceBytes);
    if (end != std::string_view::npos) end = text.find_first_not_of('\n', end);
    end = std::min(end, text.size());
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

std::string header_of(uint32_t width, const text::Tokenizer& tokenizer, uint64_t tokens, uint64_t text_bytes) {
  const base::Hash128 hash = tokenizer_hash(tokenizer);
  base::ByteWriter header;
  header.text(kMagic).little(width).little(static_cast<uint32_t>(tokenizer.vocabulary_size()));
  return header.little(tokens).little(text_bytes).little(hash.lo).little(hash.hi).str();
}

base::Hash128 checksum(std::span<const std::byte> header, std::span<const std::byte> ids) {
  return base::combine(base::hash_bytes(header.first(kSummedBytes)), base::hash_bytes(ids));
}

void append_ids(std::string& bytes, const std::vector<text::TokenId>& ids, uint32_t width) {
  const auto append = [&](const auto& list) {
    bytes.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof list[0]);
  };
  if (width == 4) return append(ids);
  append(std::vector<uint16_t>(ids.begin(), ids.end()));
}

Error malformed(const std::string& path, std::string_view what, std::string_view expected, std::string_view found) {
  return Error(base::code::kMalformedTokenFile,
               fmt::format("{}: {}: expected {}, found {}", path, what, expected, found));
}

}  // namespace

base::Hash128 tokenizer_hash(const text::Tokenizer& tokenizer) {
  return base::hash_text(text::tokenizer_json(tokenizer));
}

void encode_text(std::string_view text, const text::Tokenizer& tokenizer, const std::string& path,
                 const std::function<void(EncodeProgress)>& progress) {
  const std::vector<std::string_view> pieces = pieces_of(text);
  std::vector<std::vector<text::TokenId>> ids(pieces.size());
  auto& pool = base::ThreadPool::shared();
  std::vector<text::Encoder> encoders(pool.thread_count(), text::Encoder(tokenizer));
  // A few pieces a thread at a time, so that there is progress to tell of.
  const size_t stride = encoders.size() * 4;
  uint64_t done = 0, tokens = 0;
  for (size_t first = 0; first < pieces.size(); first += stride) {
    const size_t count = std::min(stride, pieces.size() - first);
    const auto encode = [&](base::TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        const size_t piece = first + i;
        encoders[range.slot].encode(pieces[piece], ids[piece]);
      }
    };
    pool.run(count, encode, {.split = base::Split::Dynamic});
    for (size_t i = first; i < first + count; ++i) done += pieces[i].size(), tokens += ids[i].size();
    if (progress) progress({.done_bytes = done, .total_bytes = text.size()});
  }
  const uint32_t width = tokenizer.vocabulary_size() <= 65536 ? 2 : 4;
  const std::string header = header_of(width, tokenizer, tokens, text.size());
  std::string body;
  body.reserve(tokens * width);
  for (const auto& piece : ids) append_ids(body, piece, width);
  const base::Hash128 sum = checksum(std::as_bytes(std::span(header)), std::as_bytes(std::span(body)));
  base::AtomicFile file(path);
  file.write(header);
  file.write(base::ByteWriter().little(sum.lo).little(sum.hi).str());
  file.write(body);
  file.commit();
}

base::Result<int64_t> TokenFile::read_header() {
  base::ByteReader reader(file_.bytes(), file_.path());
  if (file_.bytes().size() < kHeaderBytes)
    return malformed(file_.path(), "header", fmt::format("{} bytes", kHeaderBytes),
                     fmt::format("{}", file_.bytes().size()));
  if (auto magic = reader.expect(kMagic, "magic"); !magic) return magic.error();
  width_ = reader.little<uint32_t>("width").value();
  vocabulary_ = reader.little<uint32_t>("vocabulary").value();
  const uint64_t tokens = reader.little<uint64_t>("tokens").value();
  text_bytes_ = reader.little<uint64_t>("text bytes").value();
  tokenizer_.lo = reader.little<uint64_t>("tokenizer").value();
  tokenizer_.hi = reader.little<uint64_t>("tokenizer").value();
  base::Hash128 expected;
  expected.lo = reader.little<uint64_t>("checksum").value();
  expected.hi = reader.little<uint64_t>("checksum").value();
  if (width_ != 2 && width_ != 4) return malformed(file_.path(), "width", "2 or 4 bytes", fmt::to_string(width_));
  const uint64_t room = reader.remaining() / width_;
  if (tokens != room || reader.remaining() % width_ != 0)
    return malformed(file_.path(), "ids", fmt::format("{} of {} bytes", tokens, width_),
                     fmt::format("{} bytes", reader.remaining()));
  const base::Hash128 found = checksum(file_.bytes(), file_.bytes().subspan(kHeaderBytes));
  if (found != expected) return malformed(file_.path(), "checksum", expected.hex(), found.hex());
  return tokens;
}

int64_t TokenFile::first_outside_vocabulary() const {
  for (int64_t i = 0; i < count_; ++i)
    if (at(i) >= vocabulary_) return i;
  return -1;
}

base::Result<TokenFile> TokenFile::open(const std::string& path) {
  auto mapped = base::MappedFile::open(path);
  if (!mapped) return mapped.error();
  TokenFile file(std::move(*mapped));
  auto count = file.read_header();
  if (!count) return count.error();
  file.count_ = *count;
  file.ids_ = file.file_.bytes().data() + kHeaderBytes;
  if (const int64_t wrong = file.first_outside_vocabulary(); wrong >= 0)
    return malformed(path, fmt::format("id {}", wrong), fmt::format("less than {}, the vocabulary", file.vocabulary_),
                     fmt::to_string(file.at(wrong)));
  return file;
}

void TokenFile::copy(int64_t first, int64_t count, int32_t* out) const {
  for (int64_t i = 0; i < count; ++i) out[i] = at(first + i);
}

void TokenFile::require_tokenizer(const text::Tokenizer& tokenizer) const {
  if (tokenizer_hash(tokenizer) == tokenizer_) return;
  throw malformed(file_.path(), "tokenizer", tokenizer_hash(tokenizer).hex(), tokenizer_.hex())
      .hint("the text was encoded with another tokenizer: encode it again");
}

}  // namespace strata::data
