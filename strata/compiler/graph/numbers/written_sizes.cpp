#include "strata/compiler/graph/numbers/written_sizes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::Node;

namespace {

void collect(const Graph& graph, bool is_region, std::vector<WrittenSize>& sizes) {
  for (const Node* node : graph.nodes()) {
    if (node->is_parameter())
      for (Dim d : node->type().shape()) sizes.push_back({d, !is_region});
    for (const ir::Attr& a : node->attrs.all())
      if (a.kind == ir::AttrKind::Dims)
        for (Dim d : a.as_dims()) sizes.push_back({d});
    for (const ir::GraphRef& region : node->regions()) collect(*region, true, sizes);
  }
}

/// Walks the sizes in the order of collect().
class Resizer {
 public:
  explicit Resizer(std::span<const Dim> sizes) : sizes_(sizes) {}

  std::shared_ptr<Graph> resized(const Graph& graph) {
    auto result = std::make_shared<Graph>(graph.name());
    for (const ir::SymbolFact& fact : graph.facts().all()) result->facts().add(fact);
    ir::GraphCopier copier(graph, *result);
    size_t parameter = 0;
    for (const Node* node : graph.nodes()) {
      const ir::LocationScope scope(*result, node->where);
      if (node->is_parameter()) {
        const ir::Type type = node->type().with_shape(take(node->type().rank()));
        copier.set(node->result(), result->add_parameter(type, graph.parameter_name(parameter++)));
      } else {
        copy(*node, copier, *result);
      }
    }
    copier.copy_results();
    return result;
  }

 private:
  std::vector<Dim> take(size_t count) {
    std::vector<Dim> taken(sizes_.begin() + next_, sizes_.begin() + next_ + count);
    next_ += count;
    return taken;
  }

  void copy(const Node& node, ir::GraphCopier& copier, Graph& to) {
    std::vector<ir::Attr> attrs(node.attrs.all().begin(), node.attrs.all().end());
    for (ir::Attr& a : attrs) {
      if (a.kind != ir::AttrKind::Dims) continue;
      a.dims = sizes_.data() + next_;
      next_ += a.count;
    }
    std::vector<ir::GraphRef> regions;
    for (const ir::GraphRef& region : node.regions()) regions.push_back(resized(*region));
    Node* image = to.add(*node.op, copier.get(node.operands()), attrs, regions);
    for (uint32_t i = 0; i < node.result_count; ++i) copier.set(node.result(i), image->result(i));
  }

  std::span<const Dim> sizes_;
  size_t next_ = 0;
};

/// The values of one size in all samples.
using Column = std::vector<int64_t>;

/// Finds how a column follows from those of symbols.
class Writer {
 public:
  std::optional<Dim> written(const Column& column) const {
    if (std::ranges::all_of(column, [&](int64_t v) { return v == column[0]; })) return Dim(column[0]);
    for (const auto& [symbol, of] : symbols_) {
      if (of == column) return symbol;
      if (const auto part = multiple_or_part(symbol, of, column)) return part;
    }
    for (const auto& [symbol, of] : symbols_)
      if (const auto offset = difference(column, of)) return symbol + Dim(*offset);
    return of_two(column);
  }
  void add_symbol(const Column& column) {
    symbols_.emplace_back(Dim::symbol("S" + std::to_string(symbols_.size())), column);
  }

 private:
  static std::optional<Dim> multiple_or_part(Dim symbol, const Column& of, const Column& column) {
    if (of[0] == 0 || column[0] == 0) return std::nullopt;
    const int64_t factor = column[0] / of[0], divisor = of[0] / column[0];
    const auto all = [&](auto&& holds) {
      for (size_t i = 0; i < column.size(); ++i)
        if (!holds(of[i], column[i])) return false;
      return true;
    };
    if (factor > 1 && all([&](int64_t s, int64_t c) { return c % factor == 0 && c / factor == s; }))
      return symbol * Dim(factor);
    if (divisor > 1 && all([&](int64_t s, int64_t c) { return s % divisor == 0 && s / divisor == c; }))
      return ir::floor_div(symbol, Dim(divisor));
    return std::nullopt;
  }

  /// a - b, where it is the same in all samples.
  static std::optional<int64_t> difference(const Column& a, const Column& b) {
    for (size_t i = 1; i < a.size(); ++i)
      if (a[i] - b[i] != a[0] - b[0]) return std::nullopt;
    return a[0] - b[0];
  }

  std::optional<Dim> of_two(const Column& column) const {
    for (const auto& [s, of_s] : symbols_)
      for (const auto& [t, of_t] : symbols_) {
        Column product = of_s, sum = of_s;
        bool overflows = false;
        for (size_t i = 0; i < column.size(); ++i) {
          overflows = overflows || __builtin_mul_overflow(product[i], of_t[i], &product[i]);
          sum[i] += of_t[i];
        }
        if (!overflows) {
          if (product == column) return s * t;
          if (const auto part = multiple_or_part(s * t, product, column)) return part;
        }
        if (const auto offset = difference(column, sum)) return s + t + Dim(*offset);
      }
    return std::nullopt;
  }

  std::vector<std::pair<Dim, Column>> symbols_;
};

}  // namespace

std::vector<WrittenSize> written_sizes(const Graph& graph) {
  std::vector<WrittenSize> sizes;
  collect(graph, false, sizes);
  return sizes;
}

std::shared_ptr<Graph> with_sizes(const Graph& graph, std::span<const Dim> sizes) {
  return Resizer(sizes).resized(graph);
}

std::vector<Dim> symbolic_sizes(std::span<const WrittenSize> written, std::span<const std::vector<int64_t>> samples) {
  const auto column_of = [&](size_t i) {
    Column column;
    for (const auto& sample : samples) column.push_back(sample[i]);
    return column;
  };
  // The smallest extents first, so that B*3 is written with B and not the other way round.
  std::vector<Column> extents;
  for (size_t i = 0; i < written.size(); ++i)
    if (written[i].is_extent) extents.push_back(column_of(i));
  std::ranges::sort(extents);
  Writer writer;
  for (const Column& column : extents)
    if (!writer.written(column)) writer.add_symbol(column);
  std::vector<Dim> dims;
  for (size_t i = 0; i < written.size(); ++i)
    dims.push_back(written[i].dim.is_constant() ? writer.written(column_of(i)).value_or(Dim(samples.back()[i]))
                                                : written[i].dim);
  return dims;
}

}  // namespace strata::compiler
