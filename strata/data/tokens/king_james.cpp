#include "strata/data/tokens/king_james.h"

#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/error/codes/data_codes.h"

namespace strata::data {
namespace {

using base::Error;
using base::Result;

constexpr uint32_t kClear = 256, kFirstFree = 257;
constexpr int kLeastBits = 9, kMostBits = 16;

/// Reads codes of a growing width. compress writes them in groups of eight, and leaves the rest of a group unused when
/// the width changes.
class CodeReader {
 public:
  explicit CodeReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool next(int width, uint32_t& code) {
    const uint64_t bits = width;
    if (position_ + bits > bytes_.size() * 8) return false;
    uint32_t value = 0;
    for (uint64_t i = 0; i < 3 && position_ / 8 + i < bytes_.size(); ++i)
      value |= static_cast<uint32_t>(bytes_[position_ / 8 + i]) << (8 * i);
    code = (value >> (position_ % 8)) & ((1u << width) - 1);
    position_ += bits;
    return true;
  }
  void end_group(int width) {
    const uint64_t group = static_cast<uint64_t>(width) * 8, used = (position_ - group_start_) % group;
    if (used != 0) position_ += group - used;
    group_start_ = position_;
  }

 private:
  std::span<const std::byte> bytes_;
  uint64_t position_ = 0, group_start_ = 0;  ///< bits
};

}  // namespace

Result<std::string> unpack_lzw(std::span<const std::byte> codes, size_t most_bytes, std::string_view source) {
  const auto refuse = [&](std::string_view why, const std::string& text) {
    return Error(base::code::kMalformedData, fmt::format("{}: {} after {} unpacked bytes", source, why, text.size()));
  };
  // Entry i is the text of `prefix[i]` and one more byte; instead of chains, where it was last written and its length.
  struct Entry {
    size_t at = 0, size = 0;
  };
  std::vector<Entry> entries(kFirstFree);
  std::string text;
  CodeReader reader(codes);
  int width = kLeastBits;
  Entry previous;  ///< what the last code wrote; size 0: there is none
  for (uint32_t code = 0; reader.next(width, code);) {
    if (code == kClear) {
      entries.resize(kFirstFree);
      reader.end_group(width);
      width = kLeastBits;
      previous = {};
      continue;
    }
    const size_t at = text.size();
    // The entry that this code completes begins with what the last code wrote.
    if (previous.size > 0 && entries.size() < (size_t{1} << kMostBits))
      entries.push_back({previous.at, previous.size + 1});
    if (code < kClear) {
      text += static_cast<char>(code);
    } else if (code < entries.size()) {
      for (size_t i = 0; i < entries[code].size; ++i) text += text[entries[code].at + i];  // may run into itself
    } else {
      return refuse(fmt::format("code {} is not defined yet", code), text);
    }
    if (text.size() > most_bytes) return refuse(fmt::format("more than {} bytes", most_bytes), text);
    previous = {at, text.size() - at};
    if (entries.size() + 1 > (size_t{1} << width) && width < kMostBits) {
      reader.end_group(width);
      ++width;
    }
  }
  return text;
}

Result<std::string> parse_king_james(std::span<const std::byte> bytes, const std::string& source) {
  constexpr uint32_t kMostWindows = 1024, kMostWindowBytes = 1 << 20;
  base::ByteReader reader(bytes, source);
  if (auto magic = reader.expect("EC02Compressed Data File", "magic"); !magic) return magic.error();
  if (auto moved = reader.seek(84, "window size"); !moved) return moved.error();
  const auto window = reader.big<uint32_t>("window size");
  if (!window) return window.error();
  const auto count = reader.big<uint32_t>("windows");
  if (!count) return count.error();
  if (*window > kMostWindowBytes || *count < 1 || *count > kMostWindows)
    return reader.fail("windows", fmt::format("1 to {} of at most {} bytes", kMostWindows, kMostWindowBytes),
                       fmt::format("{} of {}", *count, *window));
  std::vector<uint32_t> offsets;
  for (uint32_t i = 0; i <= *count; ++i) {
    const auto offset = reader.big<uint32_t>("offset");
    if (!offset) return offset.error();
    if (*offset > bytes.size() || (i > 0 && *offset < offsets.back()))
      return reader.fail("offset", fmt::format("ascending, at most {}", bytes.size()), fmt::to_string(*offset));
    offsets.push_back(*offset);
  }
  std::string text;
  for (uint32_t i = 0; i < *count; ++i) {
    auto part = unpack_lzw(bytes.subspan(offsets[i], offsets[i + 1] - offsets[i]), *window,
                           fmt::format("{}: window {}", source, i));
    if (!part) return part.error();
    text += *part;
  }
  return text;
}

std::string king_james_text(const std::string& path) {
  if (!base::is_file(path))
    throw Error(base::code::kMissingDataSet, fmt::format("king james bible: no file {}", path))
        .hint("install the Debian package bible-kjv-text (apt-get install bible-kjv-text)");
  const auto file = base::MappedFile::open(path).value();
  std::string text = parse_king_james(file.bytes(), path).value();
  const std::string hash = base::sha256_hex(text);
  if (hash != kKingJamesSha256)
    throw Error(base::code::kChangedText,
                fmt::format("{}: expected a text of SHA-256 {}, found {}", path, kKingJamesSha256, hash));
  return text;
}

}  // namespace strata::data
