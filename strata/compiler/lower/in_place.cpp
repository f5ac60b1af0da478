#include "strata/compiler/lower/in_place.h"

#include <algorithm>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using namespace ir::loops;

std::vector<std::pair<int, int>> in_place_pairs(const Kernel& kernel) {
  std::vector<const Stmt*> stores;
  bool is_plain = true;
  for_each_stmt(kernel.body, [&](const Stmt& s) {
    if (s.kind == StmtKind::Store)
      stores.push_back(&s);
    else if (s.kind != StmtKind::For && s.kind != StmtKind::Block)
      is_plain = false;
  });
  if (!is_plain) return {};
  std::vector<const Buffer*> inputs, outputs;
  for (const Buffer* b : kernel.params) (b->kind == BufferKind::Input ? inputs : outputs).push_back(b);

  std::vector<std::pair<int, int>> pairs;
  for (size_t o = 0; o < outputs.size(); ++o) {
    const auto at = std::find_if(stores.begin(), stores.end(), [&](const Stmt* s) { return s->buffer == outputs[o]; });
    if (at == stores.end()) continue;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i]->dtype != outputs[o]->dtype) continue;
      bool is_safe = true;
      for (auto s = stores.begin(); s != stores.end(); ++s)
        for (Expr load : collect_loads((*s)->value)) {
          if (load->buffer != inputs[i]) continue;
          const bool same_index = load->arg_count == (*at)->indices.size() &&
                                  std::equal(load->args, load->args + load->arg_count, (*at)->indices.begin());
          is_safe = is_safe && same_index && s <= at;
        }
      if (is_safe) pairs.emplace_back(o, i);
    }
  }
  return pairs;
}

}  // namespace strata::compiler
