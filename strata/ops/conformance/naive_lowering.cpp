#include "strata/ops/conformance/naive_lowering.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/contraction/factors.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/facets/lowering.h"
#include "strata/ops/reduce/fold.h"

namespace strata::ops {

using namespace ir::loops;

namespace {

constexpr int64_t kLanes = 32;

using Index = std::vector<Expr>;
using Stmts = std::vector<StmtPtr>;

Index joined(std::span<const Expr> a, std::span<const Expr> b) {
  Index all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

class NaiveLowering final : public ir::Lowering {
 public:
  NaiveLowering(const Node& node, LoopContext& context) : Lowering(node, context) {
    for (uint32_t i = 0; i < node.operand_count; ++i)
      operands_.push_back(make_buffer("x" + std::to_string(i), node.operand(i).type(), BufferKind::Input));
    for (uint32_t r = 0; r < node.result_count; ++r)
      results_.push_back(make_buffer("y" + std::to_string(r), node.type(r), BufferKind::Output));
  }

  Expr operand(int i, std::span<const Expr> index) override {
    return context.load(operands_[i], {index.begin(), index.end()});
  }
  const Buffer* operand_buffer(int i) override { return operands_[i]; }
  const Buffer* result_buffer(int r) override { return results_[r]; }

  void element(int result, ir::ElementFn f) override {
    const Buffer* to = result_buffer(result);
    append(nest(to->shape, "i", [&](const Index& index) { return Stmts{make_store(to, index, f(index))}; }));
  }

  void reduction(int result, ir::ReductionForm form) override {
    const Buffer* to = result_buffer(result);
    append(nest(form.kept, "i", [&](const Index& kept) {
      Stmts body;
      const Expr total = form.is_last_axis_reduced ? fold_lanes(form, kept, body) : fold_chain(form, kept, body);
      body.push_back(make_store(to, kept, form.finish ? form.finish(total) : total));
      return body;
    }));
  }

  void contraction(ir::ContractionForm form) override {
    const size_t b = form.batch.size(), r = form.rows.size();
    std::vector<Dim> outer = form.batch;
    outer.insert(outer.end(), form.rows.begin(), form.rows.end());
    outer.insert(outer.end(), form.columns.begin(), form.columns.end());
    append(nest(outer, "i", [&](const Index& index) {
      const std::span<const Expr> all(index);
      return contract_element(form, index, all.subspan(0, b), all.subspan(b, r), all.subspan(b + r));
    }));
  }

  void loops(ir::LoopsForm form) override { append(form.write()); }

  /// Alone, the operand lives on: it is copied.
  void update(ir::UpdateForm form) override {
    alias(form.operand);
    append(form.write());
  }

  void alias(int operand) override {
    // A copy in row-major order: both buffers flattened by their own shapes.
    const Buffer *from = operand_buffer(operand), *to = result_buffer(0);
    append(nest(to->shape, "i", [&](const Index& index) {
      return Stmts{make_store(to, index, context.load(from, unflatten(flatten(index, to->shape), from->shape)))};
    }));
  }

  std::vector<const Buffer*> params() const {
    std::vector<const Buffer*> all = operands_;
    all.insert(all.end(), results_.begin(), results_.end());
    return all;
  }
  Stmts take_body() { return std::move(body_); }

 private:
  const Buffer* make_buffer(std::string name, Type type, BufferKind kind) {
    return context.buffer({std::move(name), type.dtype(), shape_of(type.stored()), kind});
  }
  void append(Stmts statements) { body_.insert(body_.end(), statements.begin(), statements.end()); }

  template <class F>
  Stmts nest(const std::vector<Dim>& extents, const char* prefix, F&& body) {
    std::vector<const LoopVar*> vars;
    Index index;
    for (size_t a = 0; a < extents.size(); ++a) {
      vars.push_back(context.loop_var(prefix + std::to_string(a)));
      index.push_back(context.loop(vars.back()));
    }
    Stmts inner = body(index);
    for (size_t a = extents.size(); a-- > 0;)
      inner = {make_for(vars[a], context.i64(0), context.dim(extents[a]), LoopKind::Serial, std::move(inner))};
    return inner;
  }

  Expr flatten(const Index& index, const std::vector<Dim>& shape) {
    const IndexMath m{context};
    Expr flat = context.i64(0);
    for (size_t a = 0; a < index.size(); ++a) flat = m.add(m.mul(flat, context.dim(shape[a])), index[a]);
    return flat;
  }
  Index unflatten(Expr flat, const std::vector<Dim>& shape) {
    const IndexMath m{context};
    Index index(shape.size());
    for (size_t a = shape.size(); a-- > 0;) {
      index[a] = a ? m.mod(flat, context.dim(shape[a])) : flat;
      if (a) flat = m.div(flat, context.dim(shape[a]));
    }
    return index;
  }

  /// lanes[r mod 32] = combine(lanes[r mod 32], term(r)), then halves join until one is left; in blocks of
  /// 1,024 terms: 32 chains of at most 32.
  Expr fold_lanes(const ir::ReductionForm& form, const Index& kept, Stmts& body) {
    const IndexMath m{context};
    const Dim extent = ir::product(form.reduced);
    constexpr int64_t block = kLanes * kSumBlock;
    const Local* total = context.local("total", {form.identity->type.dtype, 1}, true);
    body.push_back(make_declare(total, form.identity));
    if (extent.is_constant() && extent.constant() <= block) {
      const Stmts lanes = lanes_of_block(form, kept, total, context.i64(0), context.dim(extent));
      body.insert(body.end(), lanes.begin(), lanes.end());
      return context.read(total);
    }
    const LoopVar* b = context.loop_var("b");
    const Expr first = m.mul(context.loop(b), context.i64(block));
    StmtPtr blocks = make_for(
        b, context.i64(0), context.dim(ir::ceil_div(extent, Dim(block))), LoopKind::Serial,
        lanes_of_block(form, kept, total, first, m.min(m.add(first, context.i64(block)), context.dim(extent))));
    const StmtPtr joining = make_joining(blocks, total, 1, 1, 0);
    const bool is_joined = ir::is_float(total->type.dtype) && join_op(*joining);
    body.push_back(is_joined ? joining : blocks);
    return context.read(total);
  }

  /// total = combine(total, the lanes of the terms low..high).
  Stmts lanes_of_block(const ir::ReductionForm& form, const Index& kept, const Local* total, Expr low, Expr high) {
    const IndexMath m{context};
    const Buffer* lanes = context.buffer({"lanes", form.identity->type.dtype, {Dim(kLanes)}, BufferKind::Scratch});
    const LoopVar *l = context.loop_var("l"), *r = context.loop_var("r");
    const Expr lane = context.loop(l), flat = context.loop(r), slot = m.mod(flat, context.i64(kLanes));
    const Expr term = form.term(joined(kept, unflatten(flat, form.reduced)));
    auto loop = [&](const LoopVar* var, Expr begin, Expr end, StmtPtr s) {
      return make_for(var, begin, end, LoopKind::Serial, {std::move(s)});
    };
    Stmts body{make_alloc(lanes),
               loop(l, context.i64(0), context.i64(kLanes), make_store(lanes, {lane}, form.identity)),
               loop(r, low, high, make_store(lanes, {slot}, form.combine(context.load(lanes, {slot}), term)))};
    for (int64_t s = kLanes / 2; s >= 1; s /= 2) {
      const Expr other = context.load(lanes, {m.add(lane, context.i64(s))});
      body.push_back(loop(l, context.i64(0), context.i64(s),
                          make_store(lanes, {lane}, form.combine(context.load(lanes, {lane}), other))));
    }
    body.push_back(make_assign(total, form.combine(context.read(total), context.load(lanes, {context.i64(0)}))));
    return body;
  }

  /// Ascending chains, joined by blocks.
  Expr fold_chain(const ir::ReductionForm& form, const Index& kept, Stmts& body) {
    const Local* acc = context.local("acc", {form.identity->type.dtype, 1}, true);
    body.push_back(make_declare(acc, form.identity));
    const Stmts chain = chain_nest(context, form.reduced, {}, ir::loops::kJoinBlock, acc, [&](std::span<const Expr> r) {
      return Stmts{make_assign(acc, form.combine(context.read(acc), form.term(joined(kept, r))))};
    });
    body.insert(body.end(), chain.begin(), chain.end());
    return context.read(acc);
  }

  Stmts contract_element(const ir::ContractionForm& form, const Index& index, std::span<const Expr> batch,
                         std::span<const Expr> row, std::span<const Expr> column) {
    const DType result = node.type().dtype();
    const DType type = sum_dtype(node.operand(0).type(), result);
    const Local* acc = context.local("acc", {type, 1}, true);
    Stmts body{make_declare(acc, context.constant(type, 0))};
    const std::span<const Dim> all(form.depth);
    const size_t outer = all.size() - form.window_axes;
    const Stmts depth = chain_nest(
        context, all.subspan(0, outer), all.subspan(outer), ir::loops::kJoinBlock, acc, [&](std::span<const Expr> k) {
          const Index at_row = joined(joined(batch, row), k), at_column = joined(joined(batch, column), k);
          if (form.block_terms) return block_step(context, form, at_row, at_column, acc);
          const Expr lhs = form.lhs(at_row), rhs = form.rhs(at_column);
          const Expr sum = context.read(acc);
          const IndexMath m{context};
          return Stmts{make_assign(
              acc, ir::is_float(type) ? context.fma(lhs, rhs, sum, form.fma) : m.add(m.mul(lhs, rhs), sum))};
        });
    body.insert(body.end(), depth.begin(), depth.end());
    const Expr sum = context.read(acc);
    body.push_back(make_store(result_buffer(0), form.result_index(index), form.finish ? form.finish(sum) : sum));
    return body;
  }

  std::vector<const Buffer*> operands_, results_;
  Stmts body_;
};

}  // namespace

Kernel lower_alone(const ir::Node& node) {
  if (!node.op->lower) throw base::Error(base::code::kBug, std::string(node.op->name) + ": has no lower rule");
  Kernel kernel;
  kernel.context = std::make_shared<LoopContext>();
  kernel.name = node.op->name;
  NaiveLowering lowering(node, *kernel.context);
  node.op->lower.fn(lowering);
  kernel.params = lowering.params();
  for (const Value& v : node.operands())
    for (Dim d : v.shape()) d.collect_symbols(kernel.dims);
  for (Type t : node.types())
    for (Dim d : t.shape()) d.collect_symbols(kernel.dims);
  kernel.facts = node.graph->facts();
  kernel.body = lowering.take_body();
  return kernel;
}

std::vector<HostArray> run_lowered(const ir::Node& node, std::span<const HostArray> operands) {
  const Kernel kernel = lower_alone(node);
  std::vector<Type> types;
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < operands.size(); ++i) {
    types.push_back(node.operand(i).type());
    shapes.push_back(operands[i].shape());
  }
  const ir::DimBinding dim(*node.graph, types, shapes);
  std::vector<HostArray> results;
  std::vector<void*> buffers;
  for (const HostArray& a : operands) buffers.push_back(const_cast<std::byte*>(a.data()));
  for (Type t : node.types()) {
    std::vector<int64_t> shape;
    for (Dim d : t.shape()) shape.push_back(dim(d));
    buffers.push_back(results.emplace_back(t.encoding(), shape).data());
  }
  std::vector<int64_t> dims;
  for (const std::string& name : kernel.dims) dims.push_back(dim(Dim::symbol(name)));
  RunStatus status;
  ir::loops::interpret(kernel, buffers, dims, status);
  if (status.code)
    throw base::Error(base::code::kFailedCheck, std::string(node.op->name) + ": check " + std::to_string(status.code) +
                                                    " failed at " + std::to_string(status.index));
  return results;
}

}  // namespace strata::ops
