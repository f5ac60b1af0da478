#include "strata/ops/composites/computed_form.h"

#include "strata/ops/composites/attention_one_walk.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/control/control.h"

namespace strata::ops {

ir::GraphRef computed_form(const ir::Node& composite, const ir::Facts& facts) {
  if (composite_name(composite) != kAttentionGradient) return nullptr;
  const ScoreForm form = score_form_of(composite.attrs);
  const std::vector<ir::Type> types = types_of(composite.operands());
  if (!is_for_one_walk(types[0], types[1], types[2], form)) return nullptr;
  return make_region(kAttentionGradient, types, [&](ir::Graph& g, const std::vector<ir::Value>& p) {
    for (const ir::SymbolFact& fact : facts.all()) g.facts().add(fact);
    const auto made = gradients_in_one_walk({p[0], p[1], p[2], p[3], p[4], p[5]}, form);
    return std::vector<ir::Value>(made.begin(), made.end());
  });
}

}  // namespace strata::ops
