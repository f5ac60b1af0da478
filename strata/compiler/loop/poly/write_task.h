// The loops of one task of a phase.
#pragma once

#include <map>
#include <vector>

#include "strata/compiler/loop/poly/ast_expressions.h"
#include "strata/compiler/loop/poly/bands.h"
#include "strata/compiler/loop/poly/fold_memory.h"
#include "strata/compiler/loop/poly/register_tile.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler::poly {

/// Where the elements of a private array lie.
struct PrivateBuffer {
  const ir::loops::Buffer* buffer = nullptr;
  std::vector<ir::loops::Expr> lowest;  ///< by axis; null: indices count from 0
  const FoldedArray* folded = nullptr;
};

struct TaskWriting {
  ir::loops::LoopContext& context;
  const ControlPart& part;
  const isl::union_map& dependences;
  const Phase& phase;
  const AstExpressions& parameters;  ///< and the tiles of `outer`
  const std::map<int, PrivateBuffer>& private_buffers;
  const std::optional<RegisterTile>& register_tile;
  int lanes = 1;
};

std::vector<ir::loops::StmtPtr> write_task(const TaskWriting& writing, const IslSession& isl);

/// What isl may take for granted of parameters and of the tiles of `outer`.
isl::ast_build build_of(const ControlPart& part);

}  // namespace strata::compiler::poly
