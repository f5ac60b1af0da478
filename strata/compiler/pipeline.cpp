#include "strata/compiler/pipeline.h"

#include "strata/compiler/graph/canonicalise.h"
#include "strata/compiler/graph/claim_patterns.h"
#include "strata/compiler/graph/drop_barriers.h"
#include "strata/compiler/graph/encodings_as_bytes.h"
#include "strata/compiler/graph/expand_composites.h"
#include "strata/compiler/graph/fold_constants.h"
#include "strata/compiler/graph/fusion/fuse.h"
#include "strata/compiler/graph/fusion/fuse_siblings.h"
#include "strata/compiler/graph/hoist_reshapes.h"
#include "strata/compiler/graph/hoist_transposes.h"
#include "strata/compiler/graph/inline_calls.h"
#include "strata/compiler/graph/invariants/hoist_invariants.h"
#include "strata/compiler/graph/invariants/pack_weights.h"
#include "strata/compiler/graph/join_scans.h"
#include "strata/compiler/graph/lane_loops.h"
#include "strata/compiler/graph/native_loops.h"
#include "strata/compiler/graph/numbers/lift_numbers.h"
#include "strata/compiler/graph/reductions/collapse_reductions.h"
#include "strata/compiler/graph/reductions/split_short_axes.h"
#include "strata/compiler/graph/residuals/recompute_residuals.h"
#include "strata/compiler/graph/share_nodes.h"
#include "strata/compiler/graph/simplify_algebra.h"

namespace strata::compiler {
namespace {

constexpr Pass kPipeline[] = {
    {"inline-calls", inline_calls, "first: calls are opaque to everything below"},
    {"canonicalise", canonicalise, "before the rules below: they look for one spelling of each thing"},
    {"fold-constants", fold_constants, "before algebra: its rules ask for constants"},
    {"simplify-algebra", simplify_algebra, "before composites are offered: what a back end is asked about is final"},
    {"expand-composites", expand_composites, "behind algebra, before what looks into bodies: claimed or expanded here"},
    {"share-nodes", share_nodes, "a derivative has what it reads of a body anew, and the rules below count uses"},
    {"encodings-as-bytes", encodings_as_bytes, "behind composites: what moves blocks in their bodies moves bytes, too"},
    {"canonicalise", canonicalise, "again: bodies have come in"},
    {"fold-constants", fold_constants, "again, for the same reason"},
    {"simplify-algebra", simplify_algebra, "again, before sharing: what it removes needs no partner"},
    {"hoist-transposes", hoist_transposes, "before fusion: a transpose in the middle of a chain splits it"},
    {"hoist-reshapes", hoist_reshapes, "before fusion: a reshape ends a kernel"},
    {"canonicalise", canonicalise, "again: moved transposes and reshapes have met others"},
    {"collapse-reductions", collapse_reductions, "behind the reshapes' moves, which show what is in memory"},
    {"split-short-axes", split_short_axes,
     "before sharing: what several sums make of one value has the same components"},
    {"share-nodes", share_nodes, "before fusion: a value computed twice would be fused twice"},
    {"join-scans", join_scans, "behind share-nodes, by which scans of one program have the same operands"},
    {"drop-barriers", drop_barriers,
     "behind share-nodes, the last that would merge across them; a barrier in memory would be a copy"},
    {"recompute-residuals", recompute_residuals,
     "behind share-nodes, which would make one again of a value and its repetition"},
    {"claim-patterns", claim_patterns,
     "just before fusion: a back end sees the program in its last form, node by node"},
    {kLaneLoopsPass, lane_loops, "before fusion: what stands around such a scan is computed in its kernel"},
    {"fuse", fuse, "behind all that changes what is computed: the kernels are final from here on"},
    {"fuse-siblings", fuse_siblings, "behind fusion: it joins the kernels that are left"},
    {"lift-numbers", lift_numbers, "behind fusion: it compares kernels, and changes none but for its numbers"},
    {"native-loops", native_loops, "a loop that becomes a kernel is no part of another, and keeps its numbers"},
    {"hoist-invariants", hoist_invariants,
     "behind native-loops: the loops that are left run commands, some of which give the same in each step"},
    {"pack-weights", pack_weights, "last: it asks for the schedules of the kernels as they are"},
};

}  // namespace

std::span<const Pass> pipeline() { return kPipeline; }

}  // namespace strata::compiler
