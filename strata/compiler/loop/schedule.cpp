#include "strata/compiler/loop/schedule.h"

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/nest.h"
#include "strata/compiler/loop/pointwise.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// What the schedules below understand: no control flow that depends on data, no checks.
std::string refusal(const Kernel& kernel) {
  std::string reason;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    if (stmt.kind == StmtKind::While || stmt.kind == StmtKind::If) reason = "it branches on data";
    if (stmt.kind == StmtKind::Check) reason = "it checks positions in order";
    if (stmt.kind == StmtKind::For && stmt.loop_kind == LoopKind::Serial && stmt.step != 1)
      reason = "it is scheduled already";
  });
  return reason;
}

}  // namespace

Kernel schedule(const Kernel& naive, runtime::IsaLevel level, std::vector<std::string>* notes) {
  std::vector<std::string> lines;
  Kernel result = naive;
  try {
    if (std::string reason = refusal(naive); !reason.empty()) {
      lines.push_back("left as written: " + reason);
    } else {
      Kernel flat = flatten_buffers(naive);
      auto nest = read_nest(flat);
      if (!nest) {
        lines.push_back("left as written: a bound is not made of dimensions");
      } else {
        lines = simplify_nest(*nest, *flat.context, flat.facts);
        flat.body = schedule_pointwise(std::move(*nest), *flat.context, flat.facts, level, lines);
        result = std::move(flat);
      }
    }
  } catch (const base::Error& error) {
    lines.push_back(std::string("left as written: ") + error.what());
    result = naive;
  }
  if (notes) *notes = std::move(lines);
  return result;
}

}  // namespace strata::compiler
