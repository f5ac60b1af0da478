// Loops of few steps that compute something else in each: what is joined along an axis that is not the innermost.
//
//   for a in 0..2, j in 0..N { y[N*a + j] = select(a < 1, x[j] + x[N + j], x[j] - x[N + j]) }
//   ->  for j in 0..N { y[j] = x[j] + x[N + j];  y[N + j] = x[j] - x[N + j] }
//
// Each element is computed as before; the parts share what they read, and no select is left.
#pragma once

#include <string>
#include <vector>

#include "strata/compiler/loop/nest/nest.h"

namespace strata::compiler {

/// Writes out such loops of a nest whose body only stores, as far as its body stays small. Returns lines for
/// `strata explain`.
std::vector<std::string> write_out_parts(Nest& nest, ir::loops::LoopContext& context, const ir::Facts& facts);

}  // namespace strata::compiler
