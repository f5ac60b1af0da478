#include "strata/runtime/execute/stacked_memory.h"

#include <algorithm>

#include "strata/runtime/execute/buffer_pool.h"

namespace strata::runtime {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kSmallestBlock = 1 << 16;

}  // namespace

std::byte* StackedMemory::take(int64_t bytes) {
  const int64_t size = std::max<int64_t>(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  Mark at = at_;
  while (at.block < blocks_.size() && at.used + size > blocks_[at.block].bytes) at = {at.block + 1, 0};
  if (at.block == blocks_.size()) {
    const int64_t fresh = std::max({size, kSmallestBlock, std::min(this->bytes(), size * 4)});
    blocks_.push_back({allocate_bytes(fresh), fresh});
  }
  at_ = {at.block, at.used + size};
  return blocks_[at.block].memory.get() + at.used;
}

void StackedMemory::release(Mark mark) {
  at_ = mark;
  if (mark.block != 0 || mark.used != 0 || blocks_.size() < 2) return;
  const int64_t all = bytes();
  blocks_.clear();  // before, so that both are never there at once
  blocks_.push_back({allocate_bytes(all), all});
}

int64_t StackedMemory::bytes() const {
  int64_t sum = 0;
  for (const Block& b : blocks_) sum += b.bytes;
  return sum;
}

void StackedMemory::trim() {
  blocks_.clear();
  at_ = {};
}

}  // namespace strata::runtime
