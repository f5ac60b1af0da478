#include "strata/ops/control/regions.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/unproved.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/facets/rules.h"
#include "strata/ops/operands/broadcast.h"

namespace strata::ops {
namespace {

void require_types(const ir::Infer& i, const std::vector<Type>& found, std::span<const Type> wanted, const char* what) {
  if (found.size() != wanted.size())
    i.fail(base::code::kRegionMismatch,
           fmt::format("{} should be {} in number, found {}", what, wanted.size(), found.size()));
  for (size_t k = 0; k < found.size(); ++k)
    if (!(found[k] == wanted[k])) {
      ir::note_unproved(found[k].shape(), wanted[k].shape());
      i.fail(base::code::kRegionMismatch,
             fmt::format("{} {} should be {}, found {}", what, k, wanted[k].str(), found[k].str()));
    }
}

}  // namespace

GraphRef make_region(std::string_view name, std::span<const Type> parameters, const RegionFn& fill) {
  auto region = std::make_shared<Graph>(std::string(name));
  std::vector<Value> values;
  for (Type t : parameters) values.push_back(region->add_parameter(t));
  region->set_results(fill(*region, values));
  return region;
}

std::vector<Type> types_of(std::span<const Value> values) {
  std::vector<Type> types;
  for (const Value& v : values) types.push_back(v.type());
  return types;
}

std::vector<Value> results_of(const Node& node) {
  std::vector<Value> results;
  for (uint32_t r = 0; r < node.result_count; ++r) results.push_back(node.result(r));
  return results;
}

std::vector<Type> parameter_types(const Graph& region) {
  std::vector<Type> types;
  for (const Node* p : region.parameters()) types.push_back(p->type());
  return types;
}
std::vector<Type> result_types(const Graph& region) { return types_of(region.results()); }

void require_parameters(const ir::Infer& i, const Graph& region, std::span<const Type> types, const char* what) {
  require_types(i, parameter_types(region), types, what);
}
void require_results(const ir::Infer& i, const Graph& region, std::span<const Type> types, const char* what) {
  require_types(i, result_types(region), types, what);
}

GraphRef with_tangents(const GraphRef& jvp, size_t primal, const std::vector<bool>& has,
                       const std::vector<bool>& wanted) {
  if (has == wanted) return jvp;
  return make_region(jvp->name(), parameter_types(*jvp), [&](Graph& g, const std::vector<Value>& p) {
    const auto all = ir::inline_graph(*jvp, g, p);
    std::vector<Value> results(all.begin(), all.begin() + primal);
    size_t next = primal;
    for (size_t k = 0; k < primal; ++k) {
      const Value given = has[k] ? all[next++] : Value{};
      if (wanted[k]) results.push_back(given ? given : zeros_like(results[k]));
    }
    return results;
  });
}

std::vector<bool> linear_results(const Graph& region, std::span<const bool> is_linear) {
  std::vector<bool> linear(region.nodes().size());
  for (size_t p = 0; p < is_linear.size(); ++p) linear[region.parameters()[p]->id] = is_linear[p];
  for (const Node* n : region.nodes())
    for (const Value& v : n->operands())
      if (linear[v.node->id] && ir::is_float(v.dtype())) linear[n->id] = true;
  std::vector<bool> results;
  for (const Value& v : region.results()) results.push_back(linear[v.node->id] && ir::is_float(v.dtype()));
  return results;
}

std::vector<Value> inline_needed(const Graph& region, Graph& to, std::span<const Value> arguments,
                                 std::span<const Value> wanted) {
  ir::GraphCopier copier(region, to);
  std::vector<bool> needed(region.nodes().size());
  for (size_t p = 0; p < arguments.size(); ++p)
    if (arguments[p]) copier.set(region.parameter(p), arguments[p]);
  for (const Value& v : wanted) needed[v.node->id] = true;
  for (size_t n = needed.size(); n-- > 0;)
    if (needed[n])
      for (const Value& v : region.nodes()[n]->operands()) needed[v.node->id] = true;
  for (const Node* n : region.nodes())
    if (needed[n->id] && !n->is_parameter()) copier.copy(*n);
  return copier.get(wanted);
}

ir::Cost cost_of_regions(const Node& node, Dim times) {
  ir::Cost total = move_cost(node);
  for (const GraphRef& region : node.regions())
    for (const Node* n : region->nodes())
      if (n->op && n->op->cost) {
        const ir::Cost one = n->op->cost.fn(*n);
        total.flops = total.flops + times * one.flops;
        total.bytes = total.bytes + times * one.bytes;
      }
  return total;
}

HostArray slice_of(const HostArray& x, int64_t i) {
  HostArray slice(x.dtype(), {x.shape().begin() + 1, x.shape().end()});
  std::memcpy(slice.data(), x.data() + i * slice.bytes(), slice.bytes());
  return slice;
}
void set_slice(HostArray& x, int64_t i, const HostArray& slice) {
  std::memcpy(x.data() + i * slice.bytes(), slice.data(), slice.bytes());
}

void set_all(ir::Vmap& v, std::span<const Value> results) {
  for (size_t r = 0; r < results.size(); ++r) v.set(r, results[r]);
}

void body_reference(ir::Reference& r) {
  auto results = r.run(r.node.region(0), r.operands.first(r.node.region(0).parameters().size()));
  std::move(results.begin(), results.end(), r.results.begin());
}

}  // namespace strata::ops
