#include "strata/compiler/lower/rows.h"

#include <algorithm>

#include "strata/ops/contraction/product_nodes.h"
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

bool makes_rows(const Node& node, const Rows& rows) {
  constexpr int64_t kLongest = 1024;        // a task has several rows
  constexpr int64_t kMostPacked = 1 << 17;  // elements of a panel of columns, which stays in the second cache
  constexpr int64_t kDeepest = 256;         // steps of a panel
  constexpr int64_t kFewestRows = 64;       // whatever the symbols are: fewer are one task
  constexpr int64_t kTile = 16;             // planes are multiples of it, so that several are whole tiles
  const bool is_dot = ops::is_dot(node);
  if (!is_dot && !(ops::is_point_conv(node) && node.attrs.integer("groups") == 1)) return false;
  const ir::Type x = node.operand(0).type(), w = node.operand(1).type();
  if (!is_per_element(node.type(), rows) || !ir::is_float(node.type().dtype()) || !ir::is_float(x.dtype()))
    return false;
  ir::Dim depth = is_dot ? ir::Dim(1) : w.dim(1);
  size_t free_axes = x.rank() - 2;  // of the columns
  if (is_dot) {
    const auto contracted = node.attrs.ints("rhs_contract");
    for (const int64_t axis : contracted) depth = depth * w.dim(axis);
    free_axes = w.rank() - contracted.size() - node.attrs.ints("rhs_batch").size();
  }
  const ir::Dim length = ir::product(rows.row_shape());
  if (rows.row_shape().size() != free_axes || !length.is_constant() || !depth.is_constant()) return false;
  int64_t fewest = 1;
  for (const ir::Dim extent : rows.kept_shape())
    if (extent.is_constant()) fewest *= std::min<int64_t>(extent.constant(), kFewestRows);
  return length.constant() <= kLongest && length.constant() * std::min(depth.constant(), kDeepest) <= kMostPacked &&
         fewest >= kFewestRows && (is_dot || length.constant() % kTile == 0);
}

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
