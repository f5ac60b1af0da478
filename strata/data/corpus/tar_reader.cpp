#include "strata/data/corpus/tar_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::data {
namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kMaxNameBytes = 4096;
using Block = std::array<char, kBlock>;

/// Reads exactly so many bytes from a source that gives them in pieces.
class Stream {
 public:
  Stream(const ByteSource& source, std::string_view archive) : source_(source), archive_(archive) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw base::Error(base::code::kMalformedTar, fmt::format("{}: {} at byte {}", archive_, what, offset_));
  }

  /// False when the stream ends before the first byte.
  bool fill(char* data, size_t size) {
    size_t filled = 0;
    while (filled < size) {
      const size_t got = source_(data + filled, size - filled);
      if (got == 0) break;
      filled += got;
      offset_ += got;
    }
    if (filled == 0 && size > 0) return false;
    if (filled < size) fail("the archive ends within a block");
    return true;
  }

  void pass_over(uint64_t bytes) {
    std::vector<char> scratch(std::min<uint64_t>(bytes, size_t{64} << 10));
    while (bytes > 0) {
      const size_t step = std::min<uint64_t>(bytes, scratch.size());
      if (!fill(scratch.data(), step)) fail("the archive ends within a file");
      bytes -= step;
    }
  }

  /// The content of a file and the padding behind it.
  std::string content(uint64_t bytes) {
    std::string text(bytes, '\0');
    if (bytes > 0 && !fill(text.data(), bytes)) fail("the archive ends within a file");
    pass_over(padding(bytes));
    return text;
  }

  static uint64_t padding(uint64_t bytes) { return (kBlock - bytes % kBlock) % kBlock; }

 private:
  const ByteSource& source_;
  std::string_view archive_;
  uint64_t offset_ = 0;
};

std::string_view text_field(const Block& block, size_t at, size_t size) {
  return {block.data() + at, strnlen(block.data() + at, size)};
}

uint64_t octal_field(const Block& block, size_t at, size_t size, const Stream& stream) {
  uint64_t value = 0;
  for (size_t i = at; i < at + size; ++i) {
    const char c = block[i];
    if (c == ' ' && value == 0) continue;
    if (c == '\0' || c == ' ') break;
    if (c < '0' || c > '7') stream.fail("expected an octal number");
    value = value * 8 + static_cast<uint64_t>(c - '0');  // at most 12 digits: 36 bits
  }
  return value;
}

void check_sum(const Block& block, const Stream& stream) {
  uint64_t sum = 8 * ' ';  // the checksum's own field counts as spaces
  for (size_t i = 0; i < kBlock; ++i)
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(block[i]);
  if (sum != octal_field(block, 148, 8, stream)) stream.fail("a header's checksum is wrong");
}

std::string file_name(const Block& block, std::string& long_name) {
  if (!long_name.empty()) return std::exchange(long_name, {});
  std::string name(text_field(block, 0, 100));
  const bool ustar = text_field(block, 257, 5) == "ustar" && block[262] == '\0';
  if (const auto prefix = text_field(block, 345, 155); ustar && !prefix.empty())
    name = std::string(prefix) + "/" + name;
  return name;
}

}  // namespace

void read_tar(const ByteSource& source, std::string_view archive, const TarVisitor& visitor) {
  Stream stream(source, archive);
  Block block;
  std::string long_name;  ///< of the next file
  while (stream.fill(block.data(), kBlock)) {
    if (std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) continue;  // marks the end
    check_sum(block, stream);
    const uint64_t bytes = octal_field(block, 124, 12, stream);
    const char kind = block[156];
    if (kind == 'L') {
      if (bytes > kMaxNameBytes) stream.fail("a file's name is too long");
      long_name = stream.content(bytes);
      long_name.resize(strnlen(long_name.data(), long_name.size()));
      continue;
    }
    const std::string name = file_name(block, long_name);
    const bool regular = kind == '0' || kind == '\0';
    if (!regular || !visitor.wanted(name)) {
      stream.pass_over(bytes + Stream::padding(bytes));
      continue;
    }
    if (bytes > kMaxTarFileBytes) stream.fail(fmt::format("{} has {} bytes, more than is read", name, bytes));
    visitor.content(name, stream.content(bytes));
  }
}

}  // namespace strata::data
