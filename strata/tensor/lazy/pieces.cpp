#include "strata/tensor/lazy/pieces.h"

#include <algorithm>
#include <map>

#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/lazy/programs.h"

namespace strata::lazy {

using ir::Graph;
using ir::HostArray;
using ir::Node;
using ir::Value;

namespace {

/// Values that only exist op by op; a program with more of them runs so long that compiling it first is the smaller
/// wait, if its memory were there at all.
constexpr int64_t kMostBytes = int64_t{64} << 20;
/// Arithmetic on constants goes into every piece that reads it, as deep as this. A program with deeper is compiled
/// whole.
constexpr int kMostDepth = 16;

bool moves_nothing(const Node& n) {
  return n.op == &ops::kBroadcast || n.op == &ops::kReshape || n.op == &ops::kConstant || n.op == &ops::kIota;
}

bool asks_for_place(const Node& n) {
  const ir::Attr* a = n.attrs.find("in_place");
  return a && a->kind == ir::AttrKind::Bool && a->flag;
}

int64_t bytes_of(ir::Type type) {
  const ir::Dim elements = type.elements();
  return elements.is_constant() ? elements.constant() * ir::dtype_bytes(type.dtype()) : 0;
}

}  // namespace

class PieceCutter {
 public:
  explicit PieceCutter(const Graph& graph)
      : graph_(graph),
        is_live_(ir::live_nodes(graph)),
        is_result_(graph.nodes().size()),
        depth_(graph.nodes().size()),
        places_(graph.nodes().size()) {
    for (const Value& v : graph.results()) is_result_[v.node->id] = true;
  }

  std::shared_ptr<const Pieces> cut() {
    auto pieces = std::make_shared<Pieces>();
    for (const Node* p : graph_.parameters()) add_places(*p, *pieces);
    int64_t bytes = 0;
    for (const Node* node : graph_.nodes()) {
      if (node->is_parameter() || !is_live_[node->id]) continue;
      if (asks_for_place(*node)) return nullptr;
      if (!note_depth(*node)) return nullptr;
      if (is_read_through(*node) && !is_result_[node->id]) continue;
      if (!is_result_[node->id])
        for (ir::Type t : node->types()) bytes += bytes_of(t);
      if (bytes > kMostBytes) return nullptr;
      pieces->pieces_.push_back(piece_of(*node, *pieces));
    }
    if (pieces->pieces_.size() < 2) return nullptr;
    for (const Value& v : graph_.results()) pieces->results_.push_back(place_of(v));
    note_last_uses(*pieces);
    return pieces;
  }

 private:
  /// Made of constants alone, by arithmetic that the compiler would do: pieces must see that they are constants, as the
  /// whole program does (x^2 rounds once). False where that would go too deep.
  bool note_depth(const Node& node) {
    int depth = 1;
    const bool is_plain = node.regions().empty() && node.op->effect == ir::Effect::None && node.result_count == 1 &&
                          (node.operand_count == 0 || node.op->is_pointwise || moves_nothing(node));
    if (!is_plain) return true;
    for (const Value& v : node.operands()) {
      if (depth_[v.node->id] == 0) return true;
      depth = std::max(depth, depth_[v.node->id] + 1);
    }
    depth_[node.id] = depth;
    return depth <= kMostDepth;
  }

  bool is_read_through(const Node& node) const {
    return !node.is_parameter() && (moves_nothing(node) || depth_[node.id] > 0);
  }

  void add_places(const Node& node, Pieces& pieces) {
    places_[node.id] = pieces.places_;
    pieces.places_ += node.result_count;
  }
  size_t place_of(const Value& v) const { return places_[v.node->id] + v.index; }

  /// The image of an operand in the piece that `copier` makes: a parameter, or the node again.
  void enter(const Value& v, ir::GraphCopier& copier, Graph& to, std::vector<size_t>& operands) {
    if (copier.find(v)) return;
    const Node& node = *v.node;
    if (!is_read_through(node) || (is_result_[node.id] && depth_[node.id] == 0)) {
      copier.set(v, to.add_parameter(v.type()));
      operands.push_back(place_of(v));
      return;
    }
    for (const Value& operand : node.operands()) enter(operand, copier, to, operands);
    copier.copy(node);
  }

  Pieces::Piece piece_of(const Node& node, Pieces& pieces) {
    auto graph = std::make_shared<Graph>("op");
    Pieces::Piece piece;
    ir::GraphCopier copier(graph_, *graph);
    for (const Value& v : node.operands()) enter(v, copier, *graph, piece.operands);
    const Node* image = copier.copy(node);
    std::vector<Value> results;
    add_places(node, pieces);
    for (uint32_t i = 0; i < node.result_count; ++i) {
      results.push_back(image->result(i));
      piece.results.push_back(place_of(node.result(i)));
    }
    graph->set_results(results);
    piece.exact = exact_key(*graph);
    piece.graph = std::move(graph);
    return piece;
  }

  void note_last_uses(Pieces& pieces) const {
    std::vector<bool> is_needed(pieces.places_);
    for (const size_t place : pieces.results_) is_needed[place] = true;
    for (size_t i = pieces.pieces_.size(); i-- > 0;) {
      Pieces::Piece& piece = pieces.pieces_[i];
      for (const auto* places : {&piece.operands, &piece.results})
        for (const size_t place : *places) {
          if (!is_needed[place]) piece.last_uses.push_back(place);
          is_needed[place] = true;
        }
    }
  }

  const Graph& graph_;
  const std::vector<bool> is_live_;
  std::vector<bool> is_result_;
  std::vector<int> depth_;  ///< by node: how deep the arithmetic on constants is; 0: it reads an argument
  std::vector<size_t> places_;
};

std::shared_ptr<const Pieces> Pieces::of(const std::shared_ptr<const Graph>& graph) {
  return graph->has_counts() ? nullptr : PieceCutter(*graph).cut();
}

namespace {

Use use_of(Programs& programs, const std::shared_ptr<const Graph>& graph, base::Hash128 exact) {
  if (auto known = programs.find(exact)) return *std::move(known);
  const Segment segment = segment_of(graph);
  auto found = programs.look_up(segment, exact);
  if (Use* use = std::get_if<Use>(&found)) return std::move(*use);
  return programs.compile(segment, exact, std::get<Missing>(std::move(found)));
}

}  // namespace

std::vector<HostArray> Pieces::run(Programs& programs, const std::vector<HostArray>& arguments) const {
  std::vector<HostArray> values(places_);
  std::ranges::copy(arguments, values.begin());
  for (const Piece& piece : pieces_) {
    std::vector<HostArray> operands;
    for (const size_t place : piece.operands) operands.push_back(values[place]);
    std::vector<HostArray> results = use_of(programs, piece.graph, piece.exact).run(std::move(operands));
    for (size_t i = 0; i < results.size(); ++i) values[piece.results[i]] = std::move(results[i]);
    for (const size_t place : piece.last_uses) values[place] = HostArray();
  }
  std::vector<HostArray> results;
  for (const size_t place : results_) results.push_back(values[place]);
  return results;
}

}  // namespace strata::lazy
