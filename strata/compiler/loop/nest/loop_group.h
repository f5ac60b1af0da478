// Several loops of a nest as one: a flat, row-major index that runs through all of them.
#pragma once

#include <functional>
#include <vector>

#include "strata/compiler/loop/nest/nest.h"

namespace strata::compiler {

/// Loops that are gone through as one flat, row-major index.
struct LoopGroup {
  std::vector<NestLoop> loops;
  ir::Dim extent() const;
  bool is_empty() const { return loops.empty(); }
};

/// Going through a group's flat index. Substitutions name what the group's loops become.
class GroupIndex {
 public:
  /// `uses`: the expressions in which the group's loops are to be replaced. If their flat form has no quotients left,
  /// the group runs as one loop.
  GroupIndex(ir::loops::LoopContext& context, const ir::Facts& facts, const LoopGroup& group,
             std::span<const ir::loops::Expr> uses);

  bool is_linear() const { return is_linear_; }
  /// At one flat index, which should be a loop variable or a local: declares what it decodes to.
  std::vector<ir::loops::StmtPtr> at(ir::loops::Expr flat, ir::loops::Substitution& with) const;

  using RunBody = std::function<std::vector<ir::loops::StmtPtr>(const ir::loops::LoopVar* var, ir::loops::Expr low,
                                                                ir::loops::Expr high, ir::loops::Expr flat,
                                                                const ir::loops::Substitution& with)>;
  /// For low..high of the flat index: runs along the innermost loop. `body` makes the loop over `var`; `flat` is the
  /// flat index at `var`.
  std::vector<ir::loops::StmtPtr> runs(ir::loops::Expr low, ir::loops::Expr high, const RunBody& body) const;

 private:
  ir::loops::LoopContext& c_;
  const LoopGroup& group_;
  bool is_linear_ = true;
};

/// An expression with loops replaced, and its indices simplified.
ir::loops::Expr replaced(ir::loops::LoopContext& context, const ir::Facts& facts, ir::loops::Expr e,
                         const ir::loops::Substitution& with);

}  // namespace strata::compiler
