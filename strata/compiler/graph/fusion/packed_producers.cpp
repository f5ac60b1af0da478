// What a product makes where it packs its operands (fusion_groups.h).
#include <algorithm>

#include "strata/compiler/graph/fusion/fusion_groups.h"
#include "strata/ops/contraction/product_nodes.h"

namespace strata::compiler {

using ir::Node;
using ir::Value;

namespace {

/// Whether a contraction's packing takes each element once, for each of the tasks that share it. The plane under larger
/// windows is packed by more tasks, or element by element for each offset.
bool packs_each_once(const Node& contraction) { return ops::is_dot(contraction) || ops::is_point_conv(contraction); }

}  // namespace

/// Whether a product may make the node where it packs it: where it costs little, and what it is made of, one array
/// beside what is repeated, lies in memory whether or not the node does. Else its kernel writes it in place of that.
bool FusionGroups::is_made_where_packed(const Node& node, const Node& contraction) const {
  if (!packs_each_once(contraction)) return false;
  const std::vector<Value>& reads = inline_reads_[node.id];
  if (!is_cheap(node) || reads.size() != 1) return false;
  const Node& read = *reads[0].node;
  if (read.is_parameter() || is_result_[read.id]) return true;
  return std::ranges::any_of(uses_[read.id], [&](const ir::Use& use) {
    return forms_[use.user->id] == Form::Reduction || forms_[use.user->id] == Form::Contraction;
  });
}

}  // namespace strata::compiler
