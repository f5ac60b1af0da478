#include "strata/compiler/lower/lower_kernel.h"

#include <algorithm>
#include <map>
#include <optional>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/lower/aliased_index.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lane_loop.h"
#include "strata/compiler/lower/nests.h"
#include "strata/compiler/lower/node_lowering.h"
#include "strata/compiler/lower/pointwise_loop.h"
#include "strata/compiler/lower/rows.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

namespace {

/// Writes the loops of a set of nodes that share one index space.
class KernelWriter {
 public:
  KernelWriter(Kernel& kernel) : kernel_(kernel), c_(*kernel.context) {}

  const Buffer* add_buffer(std::string name, Type type, BufferKind kind) {
    const Type stored = type.stored();
    const Buffer* buffer =
        c_.buffer({std::move(name), stored.dtype(), ir::Shape(stored.shape().begin(), stored.shape().end()), kind});
    kernel_.params.push_back(buffer);
    return buffer;
  }
  void set_input(Value v, const Buffer* buffer) { inputs_[key(v)] = buffer; }
  void set_output(Value v, const Buffer* buffer) { outputs_.emplace_back(v, buffer); }

  /// The element of a value at an index: a load, the hero's value, or the value's definition in place.
  Expr element(Value v, std::span<const Expr> index) {
    if (auto it = inputs_.find(key(v)); it != inputs_.end()) return c_.load(it->second, {index.begin(), index.end()});
    if (auto it = hero_values_.find(key(v)); it != hero_values_.end()) return it->second;
    if (auto it = of_row_.find(key(v)); it != of_row_.end()) return it->second;
    if (auto it = kept_rows_.find(key(v)); it != kept_rows_.end()) return it->second.at(c_, index);
    auto memo = std::make_pair(key(v), std::vector<Expr>(index.begin(), index.end()));
    if (auto it = elements_.find(memo); it != elements_.end()) return it->second;
    NodeLowering& lowering = lowering_of(*v.node);
    if (lowering.form == Form::Alias) return elements_[memo] = through_alias(v, lowering.aliased, index);
    if (lowering.form != Form::Element)
      throw base::Error(base::code::kBug,
                        "lowering: " + std::string(v.node->op->name) + " can't be computed in place inside a fusion");
    return elements_[memo] = lowering.elements[v.index](index);
  }

  const Buffer* buffer_of(Value v) const {
    if (auto it = inputs_.find(key(v)); it != inputs_.end()) return it->second;
    if (const Buffer* result = result_of(v)) return result;
    throw base::Error(base::code::kBug, "lowering: a value of an op that writes its own loops is not in memory");
  }

  NodeLowering& lowering_of(const Node& node) {
    auto& slot = lowerings_[node.id];
    if (!slot)
      slot = std::make_unique<NodeLowering>(
          node, c_, [this](Value v, std::span<const Expr> index) { return element(v, index); },
          [this](Value v) { return buffer_of(v); });
    return *slot;
  }

  /// `heroes`: none, one, or several reductions whose chains run side by side.
  void write(std::span<const Node* const> heroes) {
    for (const Node* hero : heroes) heroes_.push_back(&lowering_of(*hero));
    const auto stores = [this](std::span<const Expr> index, std::span<const Expr> values) {
      for (size_t i = 0; i < heroes_.size(); ++i) hero_values_[key(heroes_[i]->node.result())] = values[i];
      elements_.clear();
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
      const DType sum = ops::sum_dtype(hero.node.operand(0).type(), hero.node.type().dtype());
      kernel_.body = contraction_nest(c_, *hero.product, sum, stores);
    } else if (hero.form == Form::Update) {
      kernel_.body = hero.in_place->write();
    } else {
      kernel_.body = hero.own->write();
    }
  }

  /// Of a region that goes through rows in several stages (rows.h).
  void write_rows(const Graph& region, const Rows& rows) {
    kernel_.body = ops::independent_nest(c_, rows.kept_shape(), [&](std::span<const Expr> kept) {
      std::vector<StmtPtr> body;
      const auto add = [&](const std::vector<StmtPtr>& more) { body.insert(body.end(), more.begin(), more.end()); };
      std::vector<Value> waiting;  // elements of the row that are to be computed
      for (const Node* node : region.nodes()) {
        if (node->is_parameter()) continue;
        const Value v = node->result();
        const Buffer* result = result_of(v);
        if (rows_reduced_by(*node)) {
          add(elements_of_row(waiting, rows, kept, body));
          waiting.clear();
        }
        if (rows_reduced_by(*node) || is_per_row(v.type(), rows))
          add_number_of_row(*node, rows, kept, body);
        else if (result || node->op == &ops::kBarrier)
          waiting.push_back(v);
      }
      add(elements_of_row(waiting, rows, kept, body));
      return body;
    });
  }

  /// Of a region whose product makes rows that are reduced behind it (rows.h).
  void write_rows_of_product(const Graph& region, const Node& product, const Rows& rows) {
    heroes_.push_back(&lowering_of(product));
    const ir::ContractionForm& form = *heroes_[0]->product;
    const DType sum = ops::sum_dtype(product.operand(0).type(), product.type().dtype());
    const auto places = result_places(form, c_);
    if (!places) throw base::Error(base::code::kBug, "lowering: a product's result is no order of its loops");
    std::vector<Expr> row_extents;
    for (Dim extent : rows.row_shape()) row_extents.push_back(c_.dim(extent));
    kernel_.body = ops::independent_nest(c_, rows.kept_shape(), [&](std::span<const Expr> kept) {
      std::vector<StmtPtr> body = ops::vector_nest(c_, row_extents, [&](std::span<const Expr> element) {
        std::vector<Expr> index(kept.begin(), kept.end());
        index.insert(index.end(), element.begin(), element.end());
        std::vector<Expr> parts;
        for (const size_t place : *places) parts.push_back(index[place]);
        return contraction_at(c_, form, sum, parts, [&](std::span<const Expr> at, std::span<const Expr> values) {
          hero_values_[key(product.result())] = values[0];
          elements_.clear();
          return stores_at(at, rows.shape);
        });
      });
      hero_values_.clear();
      for (const auto& [value, buffer] : outputs_)
        if (is_per_element(value.type(), rows)) kept_rows_.emplace(key(value), KeptRow{buffer, 0});
      elements_.clear();
      for (const Node* node : region.nodes())
        if (!node->is_parameter() && !is_per_element(node->type(), rows)) add_number_of_row(*node, rows, kept, body);
      return body;
    });
  }

 private:
  using Key = std::pair<uint32_t, uint32_t>;
  static Key key(Value v) { return {v.node->id, v.index}; }

  /// Of a row in memory: a reduction of it, or what is made of its numbers and is a result.
  void add_number_of_row(const Node& node, const Rows& rows, std::span<const Expr> kept, std::vector<StmtPtr>& body) {
    const Value v = node.result();
    const Buffer* result = result_of(v);
    if (rows_reduced_by(node)) {
      Expr value = nullptr;
      const std::vector<StmtPtr> fold = fold_of_row(c_, *lowering_of(node).fold, kept, value);
      body.insert(body.end(), fold.begin(), fold.end());
      keep_for_row(v, value, result, kept, body);
    } else if (result && is_per_row(v.type(), rows)) {
      keep_for_row(v, element(v, kept), result, kept, body);
    }
  }

  /// Elements of a row that have been stored: a result, or scratch that is indexed within the row.
  struct KeptRow {
    const Buffer* buffer;
    size_t first;  ///< axis of the array that is the buffer's first
    Expr at(LoopContext& c, std::span<const Expr> index) const {
      const std::span<const Expr> within = index.subspan(first);
      return c.load(buffer, {within.begin(), within.end()});
    }
  };

  const Buffer* result_of(Value v) const {
    for (const auto& [value, buffer] : outputs_)
      if (value == v) return buffer;
    return nullptr;
  }

  /// A number of the row: in a local from here on.
  void keep_for_row(Value v, Expr value, const Buffer* result, std::span<const Expr> kept, std::vector<StmtPtr>& body) {
    const Local* local = c_.local("of_row", value->type, false);
    body.push_back(make_declare(local, value));
    elements_.clear();
    of_row_[key(v)] = c_.read(local);
    if (result) body.push_back(make_store(result, {kept.begin(), kept.end()}, c_.read(local)));
  }

  /// One loop over the row that computes all of `values`; each is read by those behind it where it was computed, and
  /// later from where it was stored. Rows of scratch are allocated in `around`.
  std::vector<StmtPtr> elements_of_row(const std::vector<Value>& values, const Rows& rows, std::span<const Expr> kept,
                                       std::vector<StmtPtr>& around) {
    if (values.empty()) return {};
    std::vector<KeptRow> places;
    for (const Value& v : values) {
      const Buffer* buffer = result_of(v);
      const size_t first = buffer ? 0 : rows.kept;
      if (!buffer) {
        buffer = c_.buffer({"row", v.dtype(), {rows.row_shape().begin(), rows.row_shape().end()}, BufferKind::Scratch});
        around.push_back(make_alloc(buffer));
      }
      places.push_back({buffer, first});
    }
    std::vector<Expr> extents;
    for (Dim extent : rows.row_shape()) extents.push_back(c_.dim(extent));
    const auto loops = ops::vector_nest(c_, extents, [&](std::span<const Expr> column) {
      std::vector<Expr> index(kept.begin(), kept.end());
      index.insert(index.end(), column.begin(), column.end());
      std::vector<StmtPtr> body;
      elements_.clear();
      for (size_t i = 0; i < values.size(); ++i) {
        const Expr value = element(values[i], index);
        const Local* local = c_.local("v", value->type, false);
        body.push_back(make_declare(local, value));
        of_row_[key(values[i])] = c_.read(local);
        elements_.clear();
        const std::span<const Expr> at = std::span(index).subspan(places[i].first);
        body.push_back(make_store(places[i].buffer, {at.begin(), at.end()}, c_.read(local)));
      }
      return body;
    });
    for (size_t i = 0; i < values.size(); ++i) {
      of_row_.erase(key(values[i]));
      kept_rows_.emplace(key(values[i]), places[i]);
    }
    elements_.clear();
    return loops;
  }

  /// `shape`: of the results that are stored; empty: all have one.
  std::vector<StmtPtr> stores_at(std::span<const Expr> index, std::span<const Dim> shape = {}) {
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

  Expr through_alias(Value v, int operand, std::span<const Expr> index) {
    const Value from = v.node->operand(operand);
    return element(from, aliased_index(c_, v.type(), from.type(), index));
  }

  Kernel& kernel_;
  LoopContext& c_;
  std::map<Key, const Buffer*> inputs_;
  std::vector<std::pair<Value, const Buffer*>> outputs_;
  std::map<uint32_t, std::unique_ptr<NodeLowering>> lowerings_;
  std::map<std::pair<Key, std::vector<Expr>>, Expr> elements_;
  std::map<Key, Expr> of_row_;  ///< in locals: numbers of the row, and elements while its loop is written
  std::map<Key, KeptRow> kept_rows_;
  std::vector<NodeLowering*> heroes_;
  std::map<Key, Expr> hero_values_;  ///< at the index that is stored
};

void collect_dims(Kernel& kernel) {
  for (const Buffer* buffer : kernel.params)
    for (Dim d : buffer->shape) d.collect_symbols(kernel.dims);
}

/// Dimensions that stand in no parameter's shape: of a value between, or of an attribute.
void collect_dims_of(const Node& node, Kernel& kernel) {
  for (Type t : node.types())
    for (Dim d : t.shape()) d.collect_symbols(kernel.dims);
  for (const ir::Attr& a : node.attrs.all())
    if (a.kind == ir::AttrKind::Dims)
      for (Dim d : a.as_dims()) d.collect_symbols(kernel.dims);
}

/// The loop of a region, scan or cond, that its other nodes stand around; null for a fusion of other ops.
const Node* loop_of(const Graph& region) {
  for (const Node* node : region.nodes())
    if (!node->is_parameter() && (node->op == &ops::kScan || node->op == &ops::kCond)) return node;
  return nullptr;
}

void collect_dims_within(const Graph& region, Kernel& kernel) {
  for (const Node* node : region.nodes()) {
    collect_dims_of(*node, kernel);
    for (const ir::GraphRef& inner : node->regions()) collect_dims_within(*inner, kernel);
  }
}

void lower_loop(const Graph& region, const Node& loop, Kernel& kernel) {
  std::vector<const Buffer*> inputs, outputs;
  const auto add = [&](std::vector<const Buffer*>& list, char name, Type type, BufferKind kind) {
    const Type stored = type.stored();
    list.push_back(kernel.context->buffer({name + std::to_string(list.size()), stored.dtype(),
                                           ir::Shape(stored.shape().begin(), stored.shape().end()), kind}));
    kernel.params.push_back(list.back());
  };
  for (const Node* p : region.parameters()) add(inputs, 'x', p->type(), BufferKind::Input);
  for (const Value& v : region.results()) add(outputs, 'y', v.type(), BufferKind::Output);
  collect_dims(kernel);
  collect_dims_within(region, kernel);
  const bool is_alone = region.nodes().size() == region.parameters().size() + 1;
  kernel.body = is_alone && pointwise_loop_refusal(loop).empty()
                    ? pointwise_loop(loop, *kernel.context, inputs, outputs)
                    : lane_loop(region, *kernel.context, inputs, outputs);
}

void lower_region(const Graph& region, Kernel& kernel) {
  if (const Node* loop = loop_of(region)) return lower_loop(region, *loop, kernel);
  KernelWriter writer(kernel);
  for (size_t i = 0; i < region.parameters().size(); ++i)
    writer.set_input(region.parameter(i),
                     writer.add_buffer("x" + std::to_string(i), region.parameters()[i]->type(), BufferKind::Input));
  std::vector<const Node*> heroes;
  BufferKind kind = BufferKind::Output;
  for (const Node* node : region.nodes()) {
    if (node->is_parameter()) continue;
    const Form form = form_of(*node);
    if (form != Form::Element && form != Form::Alias) heroes.push_back(node);
    if (form == Form::Update) kind = BufferKind::InOut;
  }
  for (size_t i = 0; i < region.results().size(); ++i)
    writer.set_output(region.results()[i],
                      writer.add_buffer("y" + std::to_string(i), region.results()[i].type(), kind));
  collect_dims(kernel);
  for (const Node* node : region.nodes())
    if (!node->is_parameter()) collect_dims_of(*node, kernel);
  if (const auto rows = rows_of_region(region)) {
    const auto is_product = [](const Node* hero) { return form_of(*hero) == Form::Contraction; };
    const auto product = std::ranges::find_if(heroes, is_product);
    return product == heroes.end() ? writer.write_rows(region, *rows)
                                   : writer.write_rows_of_product(region, **product, *rows);
  }
  writer.write(heroes);
}

void lower_single(const Node& node, Kernel& kernel) {
  KernelWriter writer(kernel);
  std::map<std::pair<uint32_t, uint32_t>, const Buffer*> seen;
  for (size_t i = 0; i < node.operands().size(); ++i) {
    const Value v = node.operand(i);
    // An operand that stands twice keeps two parameters, so that the ABI follows the node.
    const Buffer* buffer = writer.add_buffer("x" + std::to_string(i), v.type(), BufferKind::Input);
    if (seen.emplace(std::pair{v.node->id, v.index}, buffer).second) writer.set_input(v, buffer);
  }
  const Form form = form_of(node);
  const BufferKind kind = form == Form::Update ? BufferKind::InOut : BufferKind::Output;
  for (uint32_t i = 0; i < node.result_count; ++i)
    writer.set_output(node.result(i), writer.add_buffer("y" + std::to_string(i), node.type(i), kind));
  collect_dims(kernel);
  collect_dims_of(node, kernel);
  const Node* hero = &node;
  writer.write(std::span(&hero, form == Form::Element ? 0 : 1));
}

}  // namespace

Kernel lower_kernel(const Node& node, const ir::Facts& facts, std::string name) {
  Kernel kernel;
  kernel.context = std::make_shared<LoopContext>();
  kernel.name = std::move(name);
  for (ir::SymbolFact fact : facts.all()) {
    fact.capacity = {};  // names dimensions of the program, which the kernel may not have
    kernel.facts.add(fact);
  }
  if (node.op == &ops::kFusion)
    lower_region(node.region(0), kernel);
  else
    lower_single(node, kernel);
  return kernel;
}

}  // namespace strata::compiler
