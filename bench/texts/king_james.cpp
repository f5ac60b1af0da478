#include "bench/texts/king_james.h"

#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/sha256.h"

namespace strata::bench {
namespace {

using base::Error;

// The file, big-endian:  | 84 bytes of titles | u32 bytes of a window | u32 windows n | u32 offsets[n + 1] | ... |
// Each window is a stream of Unix compress (LZW, codes of 9 to 16 bits, code 256 empties the table). The first one has
// that program's three bytes of header before its offset, the others have none.
constexpr size_t kHeaderBytes = 0x5c;

uint32_t big_endian(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(bytes[at + i]);
  return value;
}

/// Codes come least significant bit first, in groups of eight of one width; a group that ends early is padded.
class Codes {
 public:
  explicit Codes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  /// -1 at the end.
  int next(int width) {
    if (width != width_) skip_group(width);
    if (bit_ + static_cast<size_t>(width) > bytes_.size() * 8) return -1;
    int code = 0;
    for (int i = 0; i < width; ++i, ++bit_) code |= (static_cast<int>(bytes_[bit_ / 8]) >> (bit_ % 8) & 1) << i;
    return code;
  }
  void skip_group(int width) {
    const size_t group = static_cast<size_t>(width_) * 8;
    bit_ = start_ + (bit_ - start_ + group - 1) / group * group;
    start_ = bit_;
    width_ = width;
  }

 private:
  std::span<const std::byte> bytes_;
  size_t bit_ = 0, start_ = 0;
  int width_ = 9;
};

struct Entry {
  int before;
  char last;
};

/// Appends one window; false for codes that no compressor writes.
bool append_window(std::span<const std::byte> bytes, std::string& text) {
  constexpr int kClear = 256, kMostEntries = 1 << 16;
  Codes codes(bytes);
  std::vector<Entry> table(257);
  int width = 9, previous = -1;
  char first = 0;
  while (true) {
    if (static_cast<int>(table.size()) > (1 << width) - 1 && width < 16) ++width;
    const int code = codes.next(width);
    if (code < 0) return true;
    if (code == kClear) {
      table.resize(257);
      codes.skip_group(9);
      width = 9, previous = -1;
      continue;
    }
    const int size = static_cast<int>(table.size());
    if (code > size || (code == size && previous < 0) || (previous < 0 && code > 255)) return false;
    std::string piece;
    int at = code;
    if (code == size) piece += first, at = previous;  // the entry that this very code completes
    for (; at > 255; at = table[static_cast<size_t>(at)].before) piece += table[static_cast<size_t>(at)].last;
    piece += first = static_cast<char>(at);
    text.append(piece.rbegin(), piece.rend());
    if (previous >= 0 && size < kMostEntries) table.push_back({previous, first});
    previous = code;
  }
}

Error refused(const std::string& path, std::string what) {
  return Error("E0721", fmt::format("{}: {}", path, what)).hint("Debian's package bible-kjv-text has the file");
}

}  // namespace

base::Result<std::string> king_james(const std::string& path) {
  auto file = base::read_bytes(path);
  if (!file) return file.error();
  const std::span<const std::byte> bytes = *file;
  if (bytes.size() < kHeaderBytes) return refused(path, "ends in its header");
  const uint32_t windows = big_endian(bytes, 0x58);
  if (windows > 4096 || bytes.size() < kHeaderBytes + 4 * (windows + 1))
    return refused(path, "has no table of windows");
  std::string text;
  for (uint32_t w = 0; w < windows; ++w) {
    const uint32_t begin = big_endian(bytes, kHeaderBytes + 4 * w), end = big_endian(bytes, kHeaderBytes + 4 * (w + 1));
    if (begin > end || end > bytes.size() || !append_window(bytes.subspan(begin, end - begin), text))
      return refused(path, fmt::format("window {} is damaged", w));
  }
  if (const std::string hash = base::sha256_hex(text); hash != kKingJamesSha256)
    return refused(path, fmt::format("another text: SHA-256 {}, expected {}", hash, kKingJamesSha256));
  return text;
}

}  // namespace strata::bench
