// The `fusion` op: a region that one kernel computes. Made by the compiler's fuse pass; means what its body means.
#pragma once

#include "strata/ir/graph/op.h"

namespace strata::ops {

extern const ir::Op kFusion;

}  // namespace strata::ops
