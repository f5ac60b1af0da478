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
  if (at_ == Mark{} && blocks_.size() > 1) {
    const int64_t all = std::max(size, this->bytes());
    blocks_.clear();  // before, so that both are never there at once
    add_block(all);
  }
  Mark at = at_;
  while (at.block < blocks_.size() && at.used + size > blocks_[at.block].bytes) at = {at.block + 1, 0};
  if (at.block == blocks_.size()) add_block(std::max({size, kSmallestBlock, std::min(this->bytes(), size * 4)}));
  at_ = {at.block, at.used + size};
  return blocks_[at.block].memory.get() + at.used;
}

void StackedMemory::add_block(int64_t bytes) { blocks_.push_back({allocate_bytes(bytes), bytes}); }

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
