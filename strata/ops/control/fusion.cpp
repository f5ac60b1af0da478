#include "strata/ops/control/fusion.h"

#include "strata/ir/graph/op.h"
#include "strata/ops/index/index.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

void infer_fusion(ir::Infer& in) {
  for (const ir::Value& v : in.regions[0]->results()) in.result(v.type());
}

void run_fusion(ir::Reference& r) {
  std::vector<ir::HostArray> results = r.run(r.node.region(0), r.operands);
  for (size_t i = 0; i < results.size(); ++i) r.results[i] = std::move(results[i]);
}

bool is_pick(const ir::Node& n) { return n.op == &kSlice || n.op == &kDynamicSlice || n.op == &kGather; }

/// How many bytes of a parameter the body reads: of what it only picks from, what is picked.
ir::Dim bytes_read(const ir::Graph& body, const ir::Node* parameter) {
  const ir::Dim whole = parameter->type().bytes();
  ir::Dim picked = 0;
  for (const ir::Node* n : body.nodes())
    for (size_t i = 0; !n->is_parameter() && i < n->operand_count; ++i) {
      if (n->operand(i).node != parameter) continue;
      if (i > 0 || !is_pick(*n)) return whole;
      picked = picked + n->type().bytes();
    }
  for (const ir::Value& v : body.results())
    if (v.node == parameter) return whole;
  return min(picked, whole);
}

ir::Cost cost_of_body(const ir::Node& node) {
  ir::Cost total;
  for (const ir::Node* n : node.region(0).nodes())
    if (n->op && n->op->cost) total.flops = total.flops + n->op->cost.fn(*n).flops;
  for (const ir::Node* parameter : node.region(0).parameters())
    total.bytes = total.bytes + bytes_read(node.region(0), parameter);
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
