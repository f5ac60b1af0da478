#include "strata/text/bpe/word_cache.h"

namespace strata::text {

void WordCache::insert(Key key, std::span<const TokenId> ids) {
  if (used_ * 2 > slots_.size() && slots_.size() < kMaxSlots) grow();
  Slot slot{key, {}};
  for (std::size_t i = 0; i < ids.size(); ++i) slot.ids[i] = ids[i];
  slot.ids[0] |= static_cast<std::uint32_t>(ids.size()) << 24;
  place(slot);
}

void WordCache::place(const Slot& slot) {
  const std::size_t mask = slots_.size() - 1;
  const std::size_t home = home_of(slot.key);
  for (std::size_t i = 0; i < kProbe; ++i) {
    Slot& candidate = slots_[(home + i) & mask];
    if (candidate.key.high != 0) continue;
    candidate = slot;
    ++used_;
    return;
  }
  slots_[(home + victim_++ % kProbe) & mask] = slot;
}

void WordCache::grow() {
  std::vector<Slot> old(slots_.size() * 4 <= kMaxSlots ? slots_.size() * 4 : kMaxSlots, Slot{});
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.key.high != 0) place(slot);
  }
}

}  // namespace strata::text
