// What later kernels read of earlier elementwise work, above all a derivative of its forward pass: which values to keep
// in memory, and which to compute again of those.
//
//   u = dot ...                    u = dot ...
//   e = exp(u)                     e = exp(u)
//   y = u / (1 + e)        =>      y = u / (1 + e);  s = f(u, e)      s is kept: one array in place of u and e
//   ... dot(y, w) ...              ... dot(y, w) ...
//   du = dy * f(u, e)              du = dy * s
//
// A value is a residual when an elementwise node reads it behind another contraction, loop or command that stands
// between.
// The cheapest choice is a minimum cut (of the kind by which PyTorch's partitioner divides joint graphs): a value that
// is kept costs a write and a read of its bytes, or the read alone where it is in memory anyway; one that is computed
// again costs the operations of its `cost` facet, and needs its operands.
//
// Only where there is a polynomial, a division or a root behind a residual: cheap expressions are repeated by fusion
// as it is.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/uses.h"

namespace strata::compiler {

class Residuals {
 public:
  /// `forms`: of the graph's nodes.
  Residuals(const ir::Graph& graph, std::vector<Form> forms);

  /// How many contractions, loops and commands stand in front of a node, one behind the other.
  int level(const ir::Node& n) const { return level_[n.id]; }
  /// Whether `user` reads `value` as one element of many, behind a contraction, a loop or a command that came since.
  bool is_late(const ir::Node& user, const ir::Node& value) const {
    return !reads_memory(user) && level_[user.id] > level_[value.id];
  }
  /// By level of the users, what is computed again there.
  const std::map<int, std::set<const ir::Node*>>& again() const { return again_; }
  /// Whether the value is kept for late users, in place of what it is made of.
  bool is_kept(const ir::Node& n) const { return is_kept_[n.id]; }

 private:
  bool reads_memory(const ir::Node& n) const;
  bool may_repeat(const ir::Node& n) const;
  int64_t cost_of_keeping(const ir::Node& n) const;
  int64_t cost_of_repeating(const ir::Node& n) const;
  void look_at(const ir::Node& n);
  void cut(const std::vector<const ir::Node*>& values, int level);

  const ir::Graph& graph_;
  const std::vector<bool> live_;
  const std::vector<Form> forms_;
  std::vector<int> level_;                        ///< by node id
  const std::vector<std::vector<ir::Use>> uses_;  ///< by node id
  std::vector<bool> is_stored_;                   ///< whether the value is in memory anyway
  std::vector<bool> is_costly_;                   ///< whether there is a polynomial, division or root behind it
  std::vector<bool> is_kept_;
  std::map<int, std::set<const ir::Node*>> again_;
};

}  // namespace strata::compiler
