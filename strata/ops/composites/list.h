// The composites that Strata has, by name: no ops, so that `strata ops` finds them here.
#pragma once

#include <span>
#include <string_view>

namespace strata::ops {

struct CompositeEntry {
  std::string_view name;
  std::string_view doc;     ///< a sentence, without a full stop
  std::string_view header;  ///< whose function of this name records it, and says what it takes
};

std::span<const CompositeEntry> all_composites();
/// Null for another name.
const CompositeEntry* find_composite(std::string_view name);

}  // namespace strata::ops
