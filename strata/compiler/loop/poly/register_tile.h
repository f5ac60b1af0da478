// A full tile of one statement that updates elements again and again along one coordinate of its band: a sum, as in a
// matrix product or an elimination. The elements wait in registers while that coordinate runs:
//
//   for i in 0..I step rows, j in 0..J step vectors * lanes
//     acc[r][v] = X[i + r, j + v]
//     for k in 0..K { acc[r][v] = the statement's value, with acc[r][v] for X[i + r, j + v] }
//     X[i + r, j + v] = acc[r][v]
//
// It has to hold that in a full tile nobody but the update itself reads what it writes; isl says so.
#pragma once

#include <optional>
#include <vector>

#include "strata/compiler/loop/poly/bands.h"

namespace strata::compiler::poly {

struct RegisterTile {
  size_t statement = 0;
  size_t sum = 0, vector = 0;               ///< members
  std::optional<size_t> row;                ///< the member whose iterations are written out
  std::vector<size_t> others;               ///< loops around
  std::vector<std::vector<int64_t>> steps;  ///< of the statement's loops, by member
  int64_t rows = 1, vectors = 1;
  int lanes = 1;
  isl::union_set full;     ///< iterations in full tiles
  isl::union_set origins;  ///< one iteration for each: that with the lowest coordinates
};

struct RegisterOptions {
  int64_t rows = 4, vectors = 2;
  int lanes = 1;
};

/// Empty where the phase has none.
std::optional<RegisterTile> find_register_tile(const ControlPart& part, const Phase& phase,
                                               const RegisterOptions& options, const IslSession& isl);

/// The tile whose lowest coordinates are at `origin`: the values there of the statement's loops.
std::vector<ir::loops::StmtPtr> write_register_tile(ir::loops::LoopContext& context, const ControlPart& part,
                                                    const Phase& phase, const RegisterTile& tile,
                                                    const std::vector<ir::loops::Expr>& origin);

}  // namespace strata::compiler::poly
