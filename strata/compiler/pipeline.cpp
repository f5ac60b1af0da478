#include "strata/compiler/pipeline.h"

#include "strata/compiler/graph/fuse.h"
#include "strata/compiler/graph/inline_calls.h"
#include "strata/compiler/graph/share_nodes.h"

namespace strata::compiler {
namespace {

constexpr Pass kPipeline[] = {
    {"inline-calls", inline_calls, "first: composites and calls are opaque to everything below"},
    {"share-nodes", share_nodes, "before fusion: a value computed twice would be fused twice"},
    {"fuse", fuse, "last: the kernels are final from here on"},
};

}  // namespace

std::span<const Pass> pipeline() { return kPipeline; }

}  // namespace strata::compiler
