#include "strata/text/bpe/merge_table.h"

#include <bit>

namespace strata::text {

MergeTable::MergeTable(std::span<const Merge> merges) {
  const std::size_t slots = std::bit_ceil(merges.size() * 2 + 2);
  slots_.assign(slots, Entry{0, kNoMerge, 0});
  shift_ = 64 - std::countr_zero(slots);
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const Merge& merge = merges[rank];
    const std::uint64_t pair = pair_key(merge.left, merge.right);
    slots_[slot_of(pair)] = {pair, static_cast<std::uint32_t>(rank), merge.result};
  }
}

}  // namespace strata::text
