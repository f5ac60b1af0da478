#include "strata/compiler/graph/numbers/free_numbers.h"

#include <algorithm>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

/// What folding and algebra do with constant operands of these is exact (simplify_algebra.cpp).
constexpr const ir::Op* kExact[] = {&ops::kAdd,       &ops::kSub,     &ops::kMul,          &ops::kDiv,
                                    &ops::kMaximum,   &ops::kMinimum, &ops::kEq,           &ops::kNe,
                                    &ops::kLt,        &ops::kLe,      &ops::kGt,           &ops::kGe,
                                    &ops::kNeg,       &ops::kAbs,     &ops::kSelect,       &ops::kCast,
                                    &ops::kBroadcast, &ops::kReshape, &ops::kDynamicSlice, &ops::kDynamicUpdateSlice,
                                    &ops::kDynamicPad};

bool is_exact(const ir::Node& node) {
  return std::find(std::begin(kExact), std::end(kExact), node.op) != std::end(kExact);
}

bool is_number(const ir::Node& node) {
  return node.op == &ops::kConstant && node.type().rank() == 0 && !ir::is_bool(node.type().dtype());
}

}  // namespace

std::vector<const ir::Node*> free_numbers(const ir::Graph& graph) {
  const auto nodes = graph.nodes();
  // Constant: made of numbers alone, so that the compiler would fold it.
  std::vector<bool> is_constant(nodes.size()), is_needed(nodes.size());
  for (const ir::Node* node : nodes) {
    const auto operands = node->operands();
    is_constant[node->id] =
        is_number(*node) ||
        (is_exact(*node) && std::ranges::all_of(operands, [&](ir::Value v) { return is_constant[v.node->id]; }));
  }
  for (size_t i = nodes.size(); i-- > 0;) {
    const ir::Node& node = *nodes[i];
    if (node.is_parameter() || (is_exact(node) && !is_needed[i])) continue;
    for (ir::Value v : node.operands()) is_needed[v.node->id] = is_constant[v.node->id];
  }
  std::vector<const ir::Node*> numbers;
  for (const ir::Node* node : nodes)
    if (is_number(*node) && !is_needed[node->id]) numbers.push_back(node);
  return numbers;
}

namespace {

/// Mixes the identity of a graph without some of what stands in it.
class Identity {
 public:
  explicit Identity(Sizes sizes) : sizes_(sizes) {}

  void add(const ir::Graph& graph, std::span<const ir::Node* const> numbers) {
    size_t next = 0;
    for (const ir::Node* node : graph.nodes()) {
      mix(reinterpret_cast<uintptr_t>(node->op));
      if (sizes_ == Sizes::Count || node->is_parameter())
        for (ir::Type type : node->types()) add(type);
      if (next < numbers.size() && numbers[next] == node) {
        ++next;
        mix(static_cast<uint64_t>(node->type().dtype()));
        continue;
      }
      for (ir::Value v : node->operands()) mix(static_cast<uint64_t>(v.node->id) << 32 | v.index);
      for (const ir::Attr& a : node->attrs.all()) add(a);
      for (const ir::GraphRef& region : node->regions()) add_region(*region);
    }
    for (const ir::Value& v : graph.results()) mix(static_cast<uint64_t>(v.node->id) << 32 | v.index);
  }
  base::Hash128 hash() const { return hash_; }

 private:
  void mix(uint64_t value) { hash_ = base::combine(hash_, value); }
  void mix(base::Hash128 hash) { hash_ = base::combine(hash_, hash); }

  void add_region(const ir::Graph& region) {
    if (sizes_ == Sizes::Count)
      mix(region.hash());
    else
      add(region, {});
  }
  void add(ir::Type type) {
    if (sizes_ == Sizes::Count) return mix(type.hash());
    mix(static_cast<uint64_t>(type.dtype()));
    mix(reinterpret_cast<uintptr_t>(type.encoding().format()));
    add(type.shape());
  }
  void add(const ir::Attr& a) {
    if (sizes_ == Sizes::Count || a.kind != ir::AttrKind::Dims) return mix(a.hash());
    mix(base::hash_text(a.name));
    add(a.as_dims());
  }
  void add(std::span<const ir::Dim> dims) {
    mix(dims.size());
    for (const ir::Dim d : dims)
      if (!d.is_constant()) mix(d.hash());
  }

  Sizes sizes_;
  base::Hash128 hash_;
};

}  // namespace

base::Hash128 hash_without(const ir::Graph& graph, std::span<const ir::Node* const> numbers, Sizes sizes) {
  Identity identity(sizes);
  identity.add(graph, numbers);
  return identity.hash();
}

std::shared_ptr<ir::Graph> with_parameters(const ir::Graph& graph, std::span<const ir::Node* const> numbers) {
  auto result = std::make_shared<ir::Graph>(graph.name());
  ir::GraphCopier copier(graph, *result);
  copier.copy_parameters();
  for (const ir::Node* number : numbers) {
    const ir::LocationScope scope(*result, number->where);
    copier.set(number->result(), result->add_parameter(number->type()));
  }
  copier.copy_rest();
  copier.copy_results();
  return result;
}

}  // namespace strata::compiler
