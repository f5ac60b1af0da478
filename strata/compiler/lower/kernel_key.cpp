#include "strata/compiler/lower/kernel_key.h"

#include <algorithm>

#include "strata/ir/graph/op.h"

namespace strata::compiler {

base::Hash128 kernel_key(const ir::Node& node, const ir::Facts& facts) {
  base::Hash128 key = base::hash_text(node.op->name);
  const auto operands = node.operands();
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto same = std::find(operands.begin(), operands.begin() + i, operands[i]);
    key = base::combine(base::combine(key, operands[i].type().hash()), same - operands.begin());
  }
  for (const ir::Attr& a : node.attrs.all()) key = base::combine(key, a.hash());
  for (ir::Type t : node.types()) key = base::combine(key, t.hash());
  for (const ir::GraphRef& region : node.regions()) key = base::combine(key, region->hash());
  for (const ir::SymbolFact& f : facts.all()) {
    key = base::combine(base::combine(key, base::hash_text(f.name)), f.lowest);
    key = base::combine(base::combine(key, f.highest), f.multiple);
  }
  return key;
}

}  // namespace strata::compiler
