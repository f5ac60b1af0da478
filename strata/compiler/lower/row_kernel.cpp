#include "strata/compiler/lower/row_kernel.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/lower/nests.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/reduce/fold.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Value;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

void append(Stmts& to, const Stmts& more) { to.insert(to.end(), more.begin(), more.end()); }

std::vector<Expr> joined(std::span<const Expr> kept, std::span<const Expr> within) {
  std::vector<Expr> index(kept.begin(), kept.end());
  index.insert(index.end(), within.begin(), within.end());
  return index;
}

/// The stages of the row at the index `kept`.
class RowStages {
 public:
  RowStages(KernelWriter& writer, const Rows& rows, std::span<const Expr> kept)
      : writer_(writer), c_(writer.context()), rows_(rows), kept_(kept) {}

  Stmts body;

  std::vector<Expr> extents() const {
    std::vector<Expr> extents;
    for (Dim extent : rows_.row_shape()) extents.push_back(c_.dim(extent));
    return extents;
  }

  /// Of a row in memory: a reduction of it, or what is made of its numbers and is a result.
  void add_number(const Node& node) {
    const Value v = node.result();
    if (rows_reduced_by(node)) {
      Expr value = nullptr;
      append(body, fold_at(c_, *writer_.lowering_of(node).fold, kept_, value));
      keep_number(v, value);
    } else if (writer_.output_of(v) && is_per_row(v.type(), rows_)) {
      keep_number(v, writer_.element(v, kept_));
    }
  }

  /// One loop over the row that computes all of `values`; each is read by those behind it where it was computed, and
  /// later from where it was stored.
  void add_elements(const std::vector<Value>& values) {
    if (values.empty()) return;
    std::vector<Place> places;
    for (const Value& v : values) places.push_back(place_of(v));
    append(body, ops::vector_nest(c_, extents(), [&](std::span<const Expr> column) {
             const std::vector<Expr> index = joined(kept_, column);
             Stmts stores;
             for (size_t i = 0; i < values.size(); ++i) {
               const Expr element = writer_.element(values[i], index);
               const Expr value = in_local("v", element, stores);
               writer_.set_elements(values[i], [value](std::span<const Expr>) { return value; });
               const std::span<const Expr> at = std::span(index).subspan(places[i].first);
               stores.push_back(make_store(places[i].buffer, {at.begin(), at.end()}, value));
             }
             return stores;
           }));
    for (size_t i = 0; i < values.size(); ++i) read_from(values[i], places[i]);
  }

  /// Elements of the row that were stored in a result.
  void read_from_result(Value v) { read_from(v, {writer_.output_of(v), 0}); }

 private:
  /// Where elements of the row are stored: a result, or scratch that is indexed within the row.
  struct Place {
    const Buffer* buffer;
    size_t first;  ///< axis of the array that is the buffer's first
  };

  Place place_of(Value v) {
    if (const Buffer* result = writer_.output_of(v)) return {result, 0};
    const Buffer* row =
        c_.buffer({"row", v.dtype(), {rows_.row_shape().begin(), rows_.row_shape().end()}, BufferKind::Scratch});
    body.push_back(make_alloc(row));
    return {row, static_cast<size_t>(rows_.kept)};
  }

  void read_from(Value v, Place place) {
    writer_.set_elements(v, [&c = c_, place](std::span<const Expr> index) {
      const std::span<const Expr> within = index.subspan(place.first);
      return c.load(place.buffer, {within.begin(), within.end()});
    });
  }

  Expr in_local(const char* name, Expr value, Stmts& stmts) {
    const Local* local = c_.local(name, value->type, false);
    stmts.push_back(make_declare(local, value));
    return c_.read(local);
  }

  /// A number of the row: in a local from here on.
  void keep_number(Value v, Expr value) {
    const Expr number = in_local("of_row", value, body);
    writer_.set_elements(v, [number](std::span<const Expr>) { return number; });
    if (const Buffer* result = writer_.output_of(v))
      body.push_back(make_store(result, {kept_.begin(), kept_.end()}, number));
  }

  KernelWriter& writer_;
  LoopContext& c_;
  const Rows& rows_;
  const std::span<const Expr> kept_;
};

}  // namespace

Stmts row_nest(KernelWriter& writer, const Graph& region, const Rows& rows) {
  return ops::independent_nest(writer.context(), rows.kept_shape(), [&](std::span<const Expr> kept) {
    RowStages stages(writer, rows, kept);
    std::vector<Value> waiting;  // elements of the row that are to be computed
    for (const Node* node : region.nodes()) {
      if (node->is_parameter()) continue;
      const Value v = node->result();
      if (rows_reduced_by(*node)) {
        stages.add_elements(waiting);
        waiting.clear();
      }
      if (rows_reduced_by(*node) || is_per_row(v.type(), rows))
        stages.add_number(*node);
      else if (writer.output_of(v) || node->op == &ops::kBarrier)
        waiting.push_back(v);
    }
    stages.add_elements(waiting);
    return stages.body;
  });
}

Stmts product_row_nest(KernelWriter& writer, const Graph& region, const Node& product, const Rows& rows) {
  LoopContext& c = writer.context();
  const ir::ContractionForm& form = *writer.add_hero(product).product;
  const ir::DType sum = ops::sum_dtype(product.operand(0).type(), product.type().dtype());
  const auto places = result_places(form, c);
  if (!places) throw base::Error(base::code::kBug, "lowering: a product's result is no order of its loops");
  const auto store = [&](std::span<const Expr> at, std::span<const Expr> values) {
    writer.set_elements(product.result(), [value = values[0]](std::span<const Expr>) { return value; });
    return writer.stores_at(at, rows.shape);
  };
  return ops::independent_nest(c, rows.kept_shape(), [&](std::span<const Expr> kept) {
    RowStages stages(writer, rows, kept);
    stages.body = ops::vector_nest(c, stages.extents(), [&](std::span<const Expr> within) {
      const std::vector<Expr> index = joined(kept, within);
      std::vector<Expr> parts;
      for (const size_t place : *places) parts.push_back(index[place]);
      return contraction_at(c, form, sum, parts, store);
    });
    writer.forget(product.result());
    for (const auto& [value, buffer] : writer.outputs())
      if (is_per_element(value.type(), rows)) stages.read_from_result(value);
    for (const Node* node : region.nodes())
      if (!node->is_parameter() && !is_per_element(node->type(), rows)) stages.add_number(*node);
    return stages.body;
  });
}

}  // namespace strata::compiler
