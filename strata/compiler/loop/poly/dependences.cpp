#include "strata/compiler/loop/poly/dependences.h"

namespace strata::compiler::poly {
namespace {

/// Pairs (source, sink) of accesses to one element, the source last before the sink, and nothing of the third between.
isl::union_map between(const ControlPart& part, const isl::union_map& sources, const isl::union_map& sinks,
                       const isl::union_map& kills) {
  const auto flow =
      isl::union_access_info(sinks).set_may_source(sources).set_kill(kills).set_schedule_map(part.order).compute_flow();
  return flow.may_dependence().coalesce();
}

}  // namespace

Dependences find_dependences(const ControlPart& part) {
  const auto exact = [&](const isl::union_map& sinks) {
    return isl::union_access_info(sinks)
        .set_must_source(part.writes)
        .set_schedule_map(part.order)
        .compute_flow()
        .may_dependence()
        .coalesce();
  };
  return {exact(part.reads), between(part, part.reads, part.writes, part.writes), exact(part.writes)};
}

}  // namespace strata::compiler::poly
