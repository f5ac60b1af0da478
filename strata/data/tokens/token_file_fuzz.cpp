// libFuzzer target of the token file's reader: any bytes are refused with an error, or every id can be read and stands
// in the vocabulary. The reader maps files, so the bytes go through one that has no name. Each input is also tried with
// the checksum that fits it, which no mutation would hit.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/data/tokens/token_file.h"

namespace {

using namespace strata;

constexpr size_t kSummedBytes = 48, kHeaderBytes = 64;

void read(std::span<const std::byte> bytes) {
  static const int file = memfd_create("token_file", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, bytes.data(), bytes.size(), 0) != std::ssize(bytes)) return;
  const auto tokens = data::TokenFile::open(path);
  if (!tokens) return;
  if (tokens->size() * 2 > std::ssize(bytes)) __builtin_trap();
  for (int64_t i = 0; i < tokens->size(); ++i)
    if (tokens->at(i) >= tokens->vocabulary_size()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  read(input);
  if (size < kHeaderBytes) return 0;
  std::vector<std::byte> summed(input.begin(), input.end());
  const std::span<const std::byte> all(summed);
  const base::Hash128 sum =
      base::combine(base::hash_bytes(all.first(kSummedBytes)), base::hash_bytes(all.subspan(kHeaderBytes)));
  std::memcpy(&summed[kSummedBytes], &sum.lo, sizeof sum.lo);
  std::memcpy(&summed[kSummedBytes + sizeof sum.lo], &sum.hi, sizeof sum.hi);
  read(summed);
  return 0;
}
