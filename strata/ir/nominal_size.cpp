#include "strata/ir/nominal_size.h"

#include <algorithm>

namespace strata::ir {

int64_t nominal_size(const Facts& facts, Dim d) {
  constexpr int64_t kTypical = 64;
  return d.evaluate([&](std::string_view name) {
    const SymbolFact fact = facts.of(name);
    const int64_t typical = std::clamp<int64_t>(kTypical, fact.lowest, std::max(fact.lowest, fact.highest));
    return std::max<int64_t>(1, typical / fact.multiple) * fact.multiple;
  });
}

}  // namespace strata::ir
