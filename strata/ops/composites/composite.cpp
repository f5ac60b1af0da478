#include "strata/ops/composites/composite.h"

#include <unordered_map>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/facets/layout.h"

namespace strata::ops {

namespace {

/// Bodies by name, attributes and types: a model of many layers records each body once. A listed registry, one per
/// thread.
using Bodies = std::unordered_map<base::Hash128, GraphRef, base::Hash128Hasher>;
constexpr size_t kMostBodies = 4096;

base::Hash128 body_key(std::string_view name, std::span<const Attr> attrs, std::span<const Value> operands,
                       const ir::Facts& facts) {
  base::Hash128 key = base::hash_text(name);
  for (const Attr& a : attrs) key = base::combine(key, a.hash());
  for (const Value& v : operands) key = v ? base::combine(key, v.type().hash()) : base::combine(key, uint64_t{0});
  for (const ir::SymbolFact& f : facts.all()) {
    key = base::combine(base::combine(key, base::hash_text(f.name)), f.lowest);
    key = base::combine(base::combine(key, f.highest), f.multiple);
    if (f.capacity) key = base::combine(key, f.capacity->hash());
  }
  return key;
}

std::shared_ptr<Graph> empty_body(std::string_view name, std::span<const Value> operands, const Graph& graph,
                                  std::vector<Value>& inner) {
  auto region = std::make_shared<Graph>(std::string(name));
  for (const ir::SymbolFact& fact : graph.facts().all()) region->facts().add(fact);
  region->set_location(graph.location());  // for errors
  inner.resize(operands.size());
  for (size_t i = 0; i < operands.size(); ++i)
    if (operands[i]) inner[i] = region->add_parameter(operands[i].type());
  return region;
}

bool has_half_floats(std::span<const Value> operands) {
  return std::any_of(operands.begin(), operands.end(), [](Value v) { return v && ir::is_half_float(v.dtype()); });
}

/// What the body makes of the operands in f32, in the dtypes that it gives when half floats stay what they are.
std::vector<Value> rounded_once(std::string_view name, std::span<const Value> operands, const Graph& graph,
                                std::vector<Value> inner, const composite_detail::Body& body) {
  std::vector<Value> unused;
  const auto as_given = empty_body(name, operands, graph, unused);
  const std::vector<Value> wanted = body(unused);
  for (Value& v : inner)
    if (v) v = cast(v, accumulation_dtype(v.dtype()));
  std::vector<Value> results = body(inner);
  for (size_t r = 0; r < results.size(); ++r) results[r] = cast(results[r], wanted[r].dtype());
  return results;
}

GraphRef record_body(std::string_view name, std::span<const Value> operands, const Graph& graph,
                     const composite_detail::Body& body) {
  std::vector<Value> inner;
  const auto region = empty_body(name, operands, graph, inner);
  region->set_results(has_half_floats(operands) ? rounded_once(name, operands, graph, inner, body) : body(inner));
  for (Node* node : region->nodes()) node->where = {};  // each composite with this body has a position of its own
  return region;
}

}  // namespace

namespace composite_detail {

std::vector<Value> record(std::string_view name, std::span<const Attr> attrs, std::span<const Value> operands,
                          const Body& body) {
  const auto first =
      std::find_if(operands.begin(), operands.end(), [](const Value& v) { return static_cast<bool>(v); });
  if (first == operands.end())
    throw base::Error(base::code::kOperandCount, std::string(name) + ": takes at least one operand");
  thread_local Bodies bodies;
  const Graph& graph = first->graph();
  const base::Hash128 key = body_key(name, attrs, operands, graph.facts());
  auto known = bodies.find(key);
  if (known == bodies.end()) {
    GraphRef region = record_body(name, operands, graph, body);
    if (bodies.size() >= kMostBodies) bodies.clear();
    known = bodies.emplace(key, std::move(region)).first;
  }
  std::vector<Value> given;
  Ints positions;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i]) continue;
    given.push_back(operands[i]);
    positions.push_back(i);
  }
  std::vector<Attr> all(attrs.begin(), attrs.end());
  if (given.size() < operands.size()) all.push_back(Attr("given", ints_span(positions)));
  return composite(name, all, given, known->second);
}

}  // namespace composite_detail

bool is_composite(const Node& node) { return node.op == &kComposite; }
std::string_view composite_name(const Node& composite) { return composite.attrs.text("name"); }

void append_body(const Node& composite, ir::GraphCopier& outer, Graph& to, const PutNode& put) {
  append_body(composite, composite.region(0), outer, to, put);
}

void append_body(const Node& composite, const Graph& body, ir::GraphCopier& outer, Graph& to, const PutNode& put) {
  const ir::LocationScope scope(to, composite.where.file || composite.where.path ? composite.where : to.location());
  ir::GraphCopier inner(body, to);
  for (size_t i = 0; i < body.parameters().size(); ++i) inner.set(body.parameter(i), outer.get(composite.operand(i)));
  const std::vector<bool> live = ir::live_nodes(body);
  for (const Node* node : body.nodes()) {
    if (!node->is_parameter() && live[node->id]) put(*node, inner);
  }
  for (uint32_t i = 0; i < composite.result_count; ++i) outer.set(composite.result(i), inner.get(body.results()[i]));
}

void append_core(const Node& node, ir::GraphCopier& copier, Graph& to, const PutNode& put) {
  if (!is_composite(node)) return put(node, copier);
  append_body(node, copier, to, [&](const Node& n, ir::GraphCopier& inner) { append_core(n, inner, to, put); });
}

std::unique_ptr<Graph> expand_composites(const Graph& graph) {
  return ir::rewrite_graph(graph, [](const Node& node, ir::GraphCopier& copier, Graph& to) {
    append_core(node, copier, to, [](const Node& n, ir::GraphCopier& inner) { inner.copy(n); });
    return true;
  });
}

}  // namespace strata::ops
