#include "strata/ops/control/fusion.h"

#include "strata/ir/graph/op.h"

namespace strata::ops {
namespace {

void infer_fusion(ir::Infer& in) {
  for (const ir::Value& v : in.regions[0]->results()) in.result(v.type());
}

void run_fusion(ir::Reference& r) {
  std::vector<ir::HostArray> results = r.run(r.node.region(0), r.operands);
  for (size_t i = 0; i < results.size(); ++i) r.results[i] = std::move(results[i]);
}

ir::Cost cost_of_body(const ir::Node& node) {
  ir::Cost total;
  for (const ir::Node* n : node.region(0).nodes())
    if (n->op && n->op->cost) total.flops = total.flops + n->op->cost.fn(*n).flops;
  for (const ir::Value& v : node.operands()) total.bytes = total.bytes + v.type().bytes();
  for (ir::Type t : node.types()) total.bytes = total.bytes + t.bytes();
  return total;
}

constexpr ir::EncodedRule kHandsOn{};  // its region's ops were asked themselves

}  // namespace

constinit const ir::Op kFusion = {
    .name = "fusion",
    .family = "control",
    .doc =
        "Runs its region on the operands; the results are the region's results. The compiler's fuse pass makes it: the "
        "region is one kernel: with at most one reduction or contraction, or with reductions of the rows of one array, "
        "where a barrier keeps elements for their row.",
    .operands_min = 0,
    .operands_max = -1,
    .region_count = 1,
    .infer = infer_fusion,
    .jvp = ir::refuse("made by the compiler, after all transforms"),
    .transpose = ir::refuse("made by the compiler, after all transforms"),
    .vmap = ir::refuse("made by the compiler, after all transforms"),
    .lower = ir::refuse("lowered as a whole: compiler/lower"),
    .reference = run_fusion,
    .cost = cost_of_body,
    .samples = ir::refuse("made by the compiler: random programs have fused parts"),
    .encoded = &kHandsOn,
};

}  // namespace strata::ops
