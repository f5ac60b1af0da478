// The conditions of padding: what the selects of a value compare with a loop's variable, as linear forms.
//
//   select(0 <= u + 3 and u + 3 < W, x[clamp(u + 3)], 0)     forms u + 3 and W - u - 4, which are 0 or more inside
#pragma once

#include <vector>

#include "strata/compiler/loop/nest/linear_index.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

/// Conditions of selects as linear forms that are 0 or more where they hold.
class PaddingConditions {
 public:
  PaddingConditions(ir::loops::LoopContext& context, const ir::Facts& facts, const ir::loops::LoopVar* var)
      : c_(context), facts_(facts), indices_(context, facts), var_(context.loop(var)) {}

  void collect(const std::vector<ir::loops::StmtPtr>& body);

  const std::vector<LinearIndex>& forms() const { return forms_; }
  /// Whether every part of every condition is among the forms.
  bool is_complete() const { return is_complete_; }

  /// Makes low..high of the loop the part in which all conditions hold.
  void narrow(ir::loops::Expr& low, ir::loops::Expr& high);
  /// Linear indices that know that all conditions hold.
  LinearIndices indices_inside() const;

 private:
  void condition(ir::loops::Expr e);

  ir::loops::LoopContext& c_;
  const ir::Facts& facts_;
  LinearIndices indices_;
  ir::loops::Expr var_;
  std::vector<LinearIndex> forms_;
  bool is_complete_ = true;
};

/// The value where all its selects' conditions hold: what is read inside of the padding.
ir::loops::Expr inside_of_padding(ir::loops::LoopContext& context, const ir::Facts& facts, ir::loops::Expr value);

}  // namespace strata::compiler
