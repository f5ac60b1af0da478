// The identity of a kernel node: what its loop program depends on and nothing else, so that the layers of a model share
// kernels.
#pragma once

#include "strata/base/bytes/hash.h"
#include "strata/ir/graph/graph.h"

namespace strata::compiler {

base::Hash128 kernel_key(const ir::Node& node, const ir::Facts& facts);

}  // namespace strata::compiler
