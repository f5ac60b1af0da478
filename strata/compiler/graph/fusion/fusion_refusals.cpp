// What fusion left in memory between kernels, told after the decision (fusion_groups.h).
#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/ir/graph/op.h"

namespace strata::compiler {

std::vector<FusionRefusal> FusionGroups::refusals() const {
  std::vector<FusionRefusal> all;
  for (const FusionGroup& group : groups_)
    for (const ir::Node* root : group.roots) {
      if (forms_[root->id] == Form::Alias || forms_[root->id] == Form::Command) continue;
      const Reads reads = reads_of(*root);
      for (const auto* list : {&reads.same_index, &reads.other_index})
        for (const ir::Node* producer : *list) {
          if (group_of_[producer->id] == group_of_[root->id] || forms_[producer->id] == Form::Alias) continue;
          std::string reason = inline_refusal(*producer);
          const bool is_own_index = list == &reads.same_index;
          std::string join = is_own_index ? join_refusal(*root, *producer, reads) : "it is read at other indices";
          if (rows_[group_of_[producer->id]] || rows_reduced_by(*root))
            if (const std::string by_rows = row_refusal(*root, group_of_[producer->id], reads);
                !by_rows.empty() && by_rows != join)
              join += (join.empty() ? "" : "; ") + by_rows;
          if (!join.empty()) reason += (reason.empty() ? "" : "; ") + join;
          if (reason.empty()) reason = "its kernel was complete before";
          all.push_back({producer, root, std::move(reason)});
        }
    }
  return all;
}

}  // namespace strata::compiler
