#include "strata/data/gzip/gunzip.h"
#include "strata/base/error/codes/data_codes.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

namespace strata::data {
namespace {

using base::Error;

/// Ends the stream with the scope.
struct Inflater {
  z_stream stream{};
  bool ready = false;

  Inflater() { ready = inflateInit2(&stream, 15 + 16) == Z_OK; }  // the largest window; 16: gzip, not zlib
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

std::string gunzip_head(std::span<const std::byte> bytes, size_t count) {
  Inflater inflater;
  std::string head(count, '\0');
  if (!inflater.ready) return "";
  inflater.stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  inflater.stream.avail_in = static_cast<uInt>(std::min(bytes.size(), size_t{1} << 20));
  inflater.stream.next_out = reinterpret_cast<Bytef*>(head.data());
  inflater.stream.avail_out = static_cast<uInt>(count);
  inflate(&inflater.stream, Z_SYNC_FLUSH);  // what goes wrong is reported when all is unpacked
  head.resize(count - inflater.stream.avail_out);
  return head;
}

base::Result<std::string> gunzip(std::span<const std::byte> bytes, size_t most_bytes, std::string_view source) {
  Inflater inflater;
  const auto refuse = [&](std::string_view why) {
    return Error(base::code::kCorruptGzip, fmt::format("{}: {} after {} of {} compressed bytes", source, why,
                                                       inflater.stream.total_in, bytes.size()));
  };
  if (!inflater.ready) return refuse("no memory to unpack");
  if (bytes.size() >= (size_t{1} << 32)) return refuse("4 GiB or more");
  inflater.stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  inflater.stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  constexpr size_t kLeast = 4096;
  size_t filled = 0;
  while (true) {
    // Room grows with what was really unpacked, so a lying file costs no more than twice its content.
    if (filled == text.size()) text.resize(std::min(std::max({kLeast, bytes.size() * 4, filled * 2}), most_bytes + 1));
    const size_t room = std::min<size_t>(text.size() - filled, size_t{1} << 30);
    inflater.stream.next_out = reinterpret_cast<Bytef*>(text.data() + filled);
    inflater.stream.avail_out = static_cast<uInt>(room);
    const int code = inflate(&inflater.stream, Z_NO_FLUSH);
    filled += room - inflater.stream.avail_out;
    if (filled > most_bytes)
      return Error(base::code::kCorruptGzip,
                   fmt::format("{}: more than the expected {} bytes unpacked", source, most_bytes));
    if (code == Z_STREAM_END) {
      if (inflater.stream.avail_in == 0) break;
      if (!is_gzip(bytes.last(inflater.stream.avail_in)))
        return Error(base::code::kCorruptGzip,
                     fmt::format("{}: {} bytes of something else follow its {} compressed bytes", source,
                                 inflater.stream.avail_in, bytes.size() - inflater.stream.avail_in));
      if (inflateReset(&inflater.stream) != Z_OK) return refuse("damaged data");
      continue;
    }
    if (code == Z_BUF_ERROR || (code == Z_OK && inflater.stream.avail_in == 0 && inflater.stream.avail_out > 0))
      return Error(base::code::kCorruptGzip,
                   fmt::format("{}: truncated: more should follow its {} compressed bytes", source, bytes.size()));
    if (code != Z_OK) return refuse(inflater.stream.msg != nullptr ? inflater.stream.msg : "damaged data");
  }
  text.resize(filled);
  return text;
}

}  // namespace strata::data
