// Lists of statements, put together: what writers of loop programs do all the time.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

inline void append(std::vector<StmtPtr>& to, const std::vector<StmtPtr>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// A value in a local, which `to` declares.
inline Expr bound(LoopContext& context, std::string name, Expr value, std::vector<StmtPtr>& to) {
  const Local* local = context.local(std::move(name), value->type, false);
  to.push_back(make_declare(local, value));
  return context.read(local);
}

}  // namespace strata::ir::loops
