#include "strata/compiler/lower/pointwise_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/node_lowering.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/scan_parts.h"
#include "strata/ops/reduce/fold.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;
using Index = std::vector<Expr>;

/// A value is no function of the elements at one index.
struct Refusal {
  std::string why;
};

/// Nodes of a kernel: what a few thousand lets compile to takes a second.
constexpr size_t kMostNodes = 2000;

/// Where the elements of a value come from.
struct Source {
  const Buffer* buffer = nullptr;  ///< memory, read at (prefix..., index...)
  Index prefix;
  const Local* local = nullptr;  ///< the element of this lane
  const Node* node = nullptr;    ///< computed where it is read
};

class LoopWriter {
 public:
  LoopWriter(LoopContext& context, std::vector<Dim> lanes) : c_(context), lanes_(std::move(lanes)) {}

  /// The loop at one lane, with the stores of its results.
  Stmts at_lane(const Node& node, const std::vector<const Buffer*>& inputs, const std::vector<const Buffer*>& outputs,
                std::span<const Expr> lane) {
    lane_.assign(lane.begin(), lane.end());
    std::vector<Source> operands;
    for (const Buffer* b : inputs) operands.push_back({.buffer = b});
    Stmts out;
    if (node.op == &ops::kCond) {
      const std::vector<Source> results = cond(node, operands, out);
      for (size_t r = 0; r < results.size(); ++r) out.push_back(store(outputs[r], {}, results[r]));
    } else {
      scan(node, operands, &outputs, out);
    }
    return out;
  }

 private:
  using Key = std::pair<const Node*, uint32_t>;
  bool is_of_lanes(Type t) const { return std::ranges::equal(t.shape(), lanes_); }
  bool has_local(Type t) const { return t.rank() == 0 || is_of_lanes(t); }
  Index own_index(Type t) const { return t.rank() == 0 ? Index{} : lane_; }

  const Local* new_local(DType dtype, bool is_mutable) {
    if (ir::is_half_float(dtype)) throw Refusal{"half floats round in memory"};
    return c_.local(fmt::format("v{}", locals_++), {dtype, 1}, is_mutable);
  }
  Source let(Expr value, Stmts& out) {
    const Local* local = new_local(value->type.dtype, false);
    out.push_back(make_declare(local, value));
    return {.local = local};
  }
  StmtPtr store(const Buffer* to, Index index, const Source& source) {
    const Type type = value_type(to, index.size());
    const Index own = own_index(type);
    index.insert(index.end(), own.begin(), own.end());
    return make_store(to, index, element(source, type, own));
  }
  static Type value_type(const Buffer* b, size_t steps) {
    return Type::of(b->dtype, ir::Shape(b->shape.begin() + steps, b->shape.end()));
  }

  /// The element of a value at an index.
  Expr element(const Source& s, Type type, std::span<const Expr> index);
  Expr operand_element(Value v, std::span<const Expr> index) {
    return element(values_.at({v.node, v.index}), v.type(), index);
  }

  std::vector<Source> region(const Graph& graph, const std::vector<Source>& parameters, Stmts& out);
  void node(const Node& n, Stmts& out);
  std::vector<Source> cond(const Node& n, const std::vector<Source>& operands, Stmts& out);
  std::vector<Source> scan(const Node& n, const std::vector<Source>& operands,
                           const std::vector<const Buffer*>* outputs, Stmts& out);

  LoopContext& c_;
  std::vector<Dim> lanes_;
  Index lane_;
  std::map<Key, Source> values_;  ///< of all regions: nodes differ
  std::map<const Node*, std::unique_ptr<NodeLowering>> rules_;
  int locals_ = 0, loops_ = 0;
  size_t nodes_ = 0;
};

Expr LoopWriter::element(const Source& s, Type type, std::span<const Expr> index) {
  if (s.buffer) {
    Index all = s.prefix;
    all.insert(all.end(), index.begin(), index.end());
    return c_.load(s.buffer, all);
  }
  if (s.local) {
    if (!std::ranges::equal(index, own_index(type))) throw Refusal{"a value is read at another index than its own"};
    return c_.read(s.local);
  }
  return rules_.at(s.node)->elements[0](index);
}

std::vector<Source> LoopWriter::region(const Graph& graph, const std::vector<Source>& parameters, Stmts& out) {
  for (size_t p = 0; p < parameters.size(); ++p) values_[{graph.parameters()[p], 0}] = parameters[p];
  const std::vector<bool> live = ir::live_nodes(graph);
  for (const Node* n : graph.nodes())
    if (!n->is_parameter() && live[n->id]) node(*n, out);
  std::vector<Source> results;
  for (const Value& v : graph.results()) {
    const Source& s = values_.at({v.node, v.index});
    if (!has_local(v.type()) && !s.buffer) throw Refusal{fmt::format("a result is {}", v.type().str())};
    results.push_back(s.local || s.buffer ? s : let(element(s, v.type(), own_index(v.type())), out));
  }
  return results;
}

void LoopWriter::node(const Node& n, Stmts& out) {
  if (++nodes_ > kMostNodes) throw Refusal{fmt::format("it has more than {} nodes", kMostNodes)};
  if (n.op->effect != ir::Effect::None) throw Refusal{fmt::format("{} has an effect", n.op->name)};
  if (n.op == &ops::kCond || n.op == &ops::kScan) {
    std::vector<Source> operands;
    for (const Value& v : n.operands()) operands.push_back(values_.at({v.node, v.index}));
    const std::vector<Source> results = n.op == &ops::kCond ? cond(n, operands, out) : scan(n, operands, nullptr, out);
    for (size_t r = 0; r < results.size(); ++r) values_[{&n, static_cast<uint32_t>(r)}] = results[r];
    return;
  }
  if (n.result_count != 1) throw Refusal{fmt::format("{} has several results", n.op->name)};
  if (ir::is_half_float(n.type().dtype())) throw Refusal{"half floats round in memory"};
  if (form_of(n) != Form::Element) throw Refusal{fmt::format("{} is not one element of its operands", n.op->name)};
  rules_[&n] = std::make_unique<NodeLowering>(
      n, c_, [this](Value v, std::span<const Expr> index) { return operand_element(v, index); });
  Source& source = values_[{&n, 0}] = {.node = &n};
  if (!has_local(n.type())) return;
  const Index own = own_index(n.type());
  source = let(rules_.at(&n)->elements[0](own), out);
}

std::vector<Source> LoopWriter::cond(const Node& n, const std::vector<Source>& operands, Stmts& out) {
  if (!lanes_.empty()) throw Refusal{"a cond branches for all lanes at once"};
  const std::vector<Source> rest(operands.begin() + 1, operands.end());
  std::vector<Source> results;
  for (Type t : n.types()) {
    if (t.rank() != 0) throw Refusal{fmt::format("a cond gives {}", t.str())};
    const Local* local = new_local(t.dtype(), true);
    out.push_back(make_declare(local, c_.constant(t.dtype(), 0)));
    results.push_back({.local = local});
  }
  const auto branch = [&](int which) {
    Stmts body;
    const std::vector<Source> given = region(n.region(which), rest, body);
    for (size_t r = 0; r < given.size(); ++r)
      body.push_back(make_assign(results[r].local, element(given[r], n.type(r), {})));
    return body;
  };
  Stmts then = branch(0), otherwise = branch(1);
  out.push_back(make_if(element(operands[0], n.operand(0).type(), {}), std::move(then), std::move(otherwise)));
  return results;
}

/// `outputs`: of the outermost, whose results go to memory.
std::vector<Source> LoopWriter::scan(const Node& n, const std::vector<Source>& operands,
                                     const std::vector<const Buffer*>* outputs, Stmts& out) {
  const ops::ScanParts parts(n);
  const size_t constants = parts.constants, carries = parts.carries;
  if (!outputs && n.result_count != carries) throw Refusal{"a scan within it stacks results"};
  const Expr length = c_.dim(parts.length);
  const LoopVar* t = c_.loop_var(fmt::format("t{}", loops_++));
  const Expr at =
      parts.is_reverse() ? c_.binary(ExprOp::Sub, c_.binary(ExprOp::Sub, length, c_.i64(1)), c_.loop(t)) : c_.loop(t);
  std::vector<Source> parameters(operands.begin(), operands.begin() + constants);
  for (size_t i = constants; i < parts.first_slice(); ++i) {
    const Type type = n.operand(i).type();
    if (outputs ? !is_of_lanes(type) : !has_local(type)) throw Refusal{fmt::format("a carry is {}", type.str())};
    const Local* carry = new_local(type.dtype(), true);
    out.push_back(make_declare(carry, element(operands[i], type, own_index(type))));
    parameters.push_back({.local = carry});
  }
  for (size_t i = parts.first_slice(); i < operands.size(); ++i) {
    if (!operands[i].buffer) throw Refusal{"slices are not in memory"};
    parameters.push_back(operands[i]);
    parameters.back().prefix.push_back(at);
  }
  Stmts body;
  std::vector<Source> results = region(n.region(0), parameters, body);
  for (size_t r = carries; r < results.size(); ++r) {
    if (const Type type = n.region(0).results()[r].type(); !is_of_lanes(type))
      throw Refusal{fmt::format("a stacked result is {} in each step", type.str())};
    body.push_back(store((*outputs)[r], {at}, results[r]));
  }
  const std::vector<Source> state(parameters.begin() + constants, parameters.begin() + parts.first_slice());
  for (size_t c = 0; c < carries; ++c) {  // all of them before the first changes
    const Type type = n.type(c);
    results[c] = let(element(results[c], type, own_index(type)), body);
  }
  for (size_t c = 0; c < carries; ++c) body.push_back(make_assign(state[c].local, c_.read(results[c].local)));
  out.push_back(make_for(t, c_.i64(0), length, LoopKind::Serial, std::move(body)));
  if (outputs)
    for (size_t c = 0; c < carries; ++c) out.push_back(store((*outputs)[c], {}, state[c]));
  return state;
}

/// Axes that all carries and slices of stacked results share.
std::vector<Dim> lanes_of(const Node& node) {
  if (node.op == &ops::kCond || node.result_count == 0) return {};
  const bool is_carry = ops::ScanParts(node).carries > 0;
  const auto shape = node.type().shape();
  return {shape.begin() + (is_carry ? 0 : 1), shape.end()};
}

}  // namespace

std::string pointwise_loop_refusal(const Node& node) {
  if (node.op != &ops::kScan && node.op != &ops::kCond) return "it is no scan and no cond";
  LoopContext context;
  try {
    pointwise_loop(node, context, parameter_buffers(context, ops::types_of(node.operands()), BufferKind::Input),
                   parameter_buffers(context, node.types(), BufferKind::Output));
  } catch (const Refusal& refusal) {
    return refusal.why;
  }
  return "";
}

Stmts pointwise_loop(const Node& node, LoopContext& context, std::vector<const Buffer*> inputs,
                     std::vector<const Buffer*> outputs) {
  const std::vector<Dim> lanes = lanes_of(node);
  LoopWriter writer(context, lanes);
  const auto at_lane = [&](std::span<const Expr> lane) { return writer.at_lane(node, inputs, outputs, lane); };
  return ops::independent_nest(context, lanes, at_lane);
}

}  // namespace strata::compiler
