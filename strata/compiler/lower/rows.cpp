#include "strata/compiler/lower/rows.h"

#include <algorithm>

#include "strata/ops/creation/creation.h"
#include "strata/ops/reduce/short_fold.h"

namespace strata::compiler {

using ir::Node;

std::optional<Rows> rows_reduced_by(const Node& node) {
  if (!ops::is_reduction_over_axes(node) || ops::terms_written_out(node) > 0) return std::nullopt;
  const auto axes = node.attrs.ints("axes");
  const ir::Type x = node.operand(0).type();
  const int kept = x.rank() - static_cast<int>(axes.size());
  if (axes.empty() || kept == 0 || axes[0] != kept) return std::nullopt;  // ascending: then they are the last
  return Rows{{x.shape().begin(), x.shape().end()}, kept};
}

bool is_per_row(ir::Type type, const Rows& rows) { return std::ranges::equal(type.shape(), rows.kept_shape()); }
bool is_per_element(ir::Type type, const Rows& rows) { return std::ranges::equal(type.shape(), rows.shape); }

std::optional<Rows> rows_of_region(const ir::Graph& region) {
  std::optional<Rows> rows;
  int reductions = 0;
  bool has_elements = false;
  for (const Node* node : region.nodes()) {
    if (node->is_parameter()) continue;
    has_elements = has_elements || node->op == &ops::kBarrier;
    if (auto reduced = rows_reduced_by(*node)) {
      ++reductions;
      rows = std::move(reduced);
    }
  }
  if (!rows) return std::nullopt;
  for (const ir::Value& v : region.results()) has_elements = has_elements || is_per_element(v.type(), *rows);
  return reductions > 1 || has_elements ? rows : std::nullopt;
}

}  // namespace strata::compiler
