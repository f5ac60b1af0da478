// Cuts a nest into tasks: the kernel's one Parallel loop. How many there are depends on the dimensions alone, never on
// threads, so that the same program does the same work in the same pieces everywhere.
//
//   extents  E0 x E1 x E2,  chunks c0, c1, c2 chosen at run time so that c0*c1*c2 points are about `points`:
//   inner loops stay whole as long as they fit, the first that does not fit is cut, those outside have chunks of 1
//
//   parallel task in 0..T0*T1*T2      Tk = ceildiv(Ek, ck)
//     t2 = task mod T2, t1 = ...      once per task
//     body(ranges tk*ck .. min(Ek, (tk + 1)*ck))
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

struct TaskRange {
  ir::loops::Expr low, high;
  int64_t multiple = 1;  ///< divides high - low in every task
};

using TaskBody = std::function<std::vector<ir::loops::StmtPtr>(std::span<const TaskRange>)>;

/// A Parallel loop over tasks of about `points` points of the nest. The innermost chunk is a multiple of `align`.
ir::loops::StmtPtr cut_into_tasks(ir::loops::LoopContext& context, std::span<const ir::Dim> extents, int64_t points,
                                  int64_t align, const TaskBody& body);

/// The same with chunks that are given.
ir::loops::StmtPtr tasks_of_chunks(ir::loops::LoopContext& context, std::span<const ir::Dim> extents,
                                   std::span<const ir::loops::Expr> chunks, const TaskBody& body);

/// An axis of a nest, of which a task has at most `piece` points: all of it where it is known to be no longer. With a
/// unit, which the piece is a multiple of, the tasks of an extent that is known differ by one unit at most, where the
/// last would be short: 112 columns of 784 beside three times 224.
struct TaskAxis {
  ir::Dim extent;
  int64_t piece;
  int64_t unit = 0;
};
ir::loops::StmtPtr tasks_of_pieces(ir::loops::LoopContext& context, std::span<const TaskAxis> axes,
                                   const TaskBody& body);

}  // namespace strata::compiler
