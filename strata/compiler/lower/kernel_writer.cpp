#include "strata/compiler/lower/kernel_writer.h"

#include <algorithm>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/lower/aliased_index.h"
#include "strata/compiler/lower/nests.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

const Buffer* KernelWriter::add_buffer(std::string name, Type type, BufferKind kind) {
  const Type stored = type.stored();
  const Buffer* buffer =
      c_.buffer({std::move(name), stored.dtype(), ir::Shape(stored.shape().begin(), stored.shape().end()), kind});
  kernel_.params.push_back(buffer);
  return buffer;
}

const Buffer* KernelWriter::output_of(Value v) const {
  for (const auto& [value, buffer] : outputs_)
    if (value == v) return buffer;
  return nullptr;
}

const Buffer* KernelWriter::buffer_of(Value v) const {
  if (auto it = inputs_.find(key(v)); it != inputs_.end()) return it->second;
  if (const Buffer* result = output_of(v)) return result;
  throw base::Error(base::code::kBug, "lowering: a value of an op that writes its own loops is not in memory");
}

NodeLowering& KernelWriter::lowering_of(const Node& node) {
  auto& slot = lowerings_[node.id];
  if (!slot)
    slot = std::make_unique<NodeLowering>(
        node, c_, [this](Value v, std::span<const Expr> index) { return element(v, index); },
        [this](Value v) { return buffer_of(v); });
  return *slot;
}

Expr KernelWriter::element(Value v, std::span<const Expr> index) {
  if (auto it = inputs_.find(key(v)); it != inputs_.end()) return c_.load(it->second, {index.begin(), index.end()});
  if (auto it = known_.find(key(v)); it != known_.end()) return it->second(index);
  auto memo = std::make_pair(key(v), std::vector<Expr>(index.begin(), index.end()));
  if (auto it = written_.find(memo); it != written_.end()) return it->second;
  NodeLowering& lowering = lowering_of(*v.node);
  if (lowering.form == Form::Alias) {
    const Value from = v.node->operand(lowering.aliased);
    return written_[memo] = element(from, aliased_index(c_, v.type(), from.type(), index));
  }
  if (lowering.form != Form::Element)
    throw base::Error(base::code::kBug,
                      "lowering: " + std::string(v.node->op->name) + " can't be computed in place inside a fusion");
  return written_[memo] = lowering.elements[v.index](index);
}

void KernelWriter::set_elements(Value v, ir::ElementFn elements) {
  known_[key(v)] = std::move(elements);
  written_.clear();
}

void KernelWriter::forget(Value v) {
  known_.erase(key(v));
  written_.clear();
}

NodeLowering& KernelWriter::add_hero(const Node& node) {
  heroes_.push_back(&lowering_of(node));
  return *heroes_.back();
}

void KernelWriter::write() {
  const auto stores = [this](std::span<const Expr> index, std::span<const Expr> values) {
    for (size_t i = 0; i < heroes_.size(); ++i)
      set_elements(heroes_[i]->node.result(), [value = values[i]](std::span<const Expr>) { return value; });
    return stores_at(index);
  };
  if (heroes_.empty()) {
    const Type type = outputs_[0].first.type();
    kernel_.body =
        ops::independent_nest(c_, type.shape(), [this](std::span<const Expr> index) { return stores_at(index); });
    return;
  }
  NodeLowering& hero = *heroes_[0];
  if (hero.form == Form::Reduction) {
    std::vector<const ir::ReductionForm*> forms;
    for (const NodeLowering* each : heroes_) forms.push_back(&*each->fold);
    kernel_.body = reduction_nest(c_, forms, stores);
  } else if (hero.form == Form::Contraction) {
    const ir::DType sum = ops::sum_dtype(hero.node.operand(0).type(), hero.node.type().dtype());
    kernel_.body = contraction_nest(c_, *hero.product, sum, stores);
  } else if (hero.form == Form::Update) {
    kernel_.body = hero.in_place->write();
  } else {
    kernel_.body = hero.own->write();
  }
}

std::vector<StmtPtr> KernelWriter::stores_at(std::span<const Expr> index, std::span<const ir::Dim> shape) {
  std::vector<StmtPtr> stores;
  for (auto& [value, buffer] : outputs_) {
    if (!shape.empty() && !std::ranges::equal(value.type().shape(), shape)) continue;
    const bool is_moved =
        !heroes_.empty() && value.node->op == &ops::kTranspose && value.node->operand(0) == heroes_[0]->node.result();
    if (!is_moved) {
      stores.push_back(make_store(buffer, {index.begin(), index.end()}, element(value, index)));
      continue;
    }
    std::vector<Expr> moved;
    for (const int64_t axis : value.node->attrs.ints("perm")) moved.push_back(index[axis]);
    stores.push_back(make_store(buffer, moved, element(value.node->operand(0), index)));
  }
  // Later results are computed from earlier ones and from what those read: they are stored first, so that an earlier
  // one may be written in place of its operand (a moment before the parameter that it moves).
  if (heroes_.empty() || heroes_[0]->form == Form::Contraction) std::reverse(stores.begin(), stores.end());
  return stores;
}

}  // namespace strata::compiler
