#include "strata/compiler/loop/peel.h"

#include "strata/compiler/loop/linear_index.h"
#include "strata/compiler/loop/vector_loop.h"
#include "strata/compiler/loop/vectorise.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// Conditions of selects as linear forms that are 0 or more where they hold.
class Conditions {
 public:
  Conditions(LoopContext& context, const ir::Facts& facts, const LoopVar* var)
      : c_(context), indices_(context, facts), var_(context.loop(var)) {}

  void collect(const Stmts& body) {
    for_each_stmt(body, [&](const Stmt& stmt) {
      if (stmt.value)
        for_each_node(stmt.value, [&](Expr e) {
          if (e->op == ExprOp::Select) condition(e->args[0]);
        });
    });
  }

  /// low..high of the middle, given that of the loop.
  void narrow(Expr& low, Expr& high) {
    Expr holds = nullptr;
    for (const LinearIndex& form : forms) {
      const Dim coefficient = form.coefficient(var_);
      const LinearIndex rest = indices_.plus(form, {0, {{var_, coefficient}}}, -1);
      const Expr value = indices_.expr(rest);
      if (coefficient == Dim(1)) low = c_.binary(ExprOp::Max, low, c_.binary(ExprOp::Sub, c_.i64(0), value));
      if (coefficient == Dim(-1)) high = c_.binary(ExprOp::Min, high, c_.binary(ExprOp::Add, value, c_.i64(1)));
      if (!(coefficient == Dim(0))) continue;
      const Expr here = c_.binary(ExprOp::Le, c_.i64(0), value);
      holds = holds ? c_.binary(ExprOp::And, holds, here) : here;
    }
    if (holds) high = c_.select(holds, high, low);
    high = c_.binary(ExprOp::Max, high, low);
  }

  std::vector<LinearIndex> forms;
  bool is_complete = true;  ///< every part of every condition is among the forms

 private:
  void condition(Expr e) {
    if (e->op == ExprOp::And) {
      condition(e->args[0]);
      condition(e->args[1]);
      return;
    }
    const bool is_order = e->op == ExprOp::Lt || e->op == ExprOp::Le || e->op == ExprOp::Gt || e->op == ExprOp::Ge;
    if (!is_order || !(e->args[0]->type == ScalarType{DType::i64, 1}) || reads_memory(e)) {
      is_complete = false;
      return;
    }
    LinearIndex a = indices_.of(e->args[0]), b = indices_.of(e->args[1]);
    if (e->op == ExprOp::Gt || e->op == ExprOp::Ge) std::swap(a, b);
    LinearIndex form = indices_.plus(b, a, -1);
    if (e->op == ExprOp::Lt || e->op == ExprOp::Gt) form.constant = form.constant - 1;
    const Dim coefficient = form.coefficient(var_);
    bool is_simple = coefficient == Dim(0) || coefficient == Dim(1) || coefficient == Dim(-1);
    for (const auto& [atom, c] : form.terms) is_simple = is_simple && (atom == var_ || !depends_on(atom, var_->loop));
    is_complete = is_complete && is_simple;
    if (!is_simple) return;
    forms.push_back(form);
  }

  LoopContext& c_;
  LinearIndices indices_;
  Expr var_;
};

const Local* bind(LoopContext& c, const char* name, Expr value, Stmts& stmts) {
  const Local* local = c.local(name, value->type, false);
  stmts.push_back(make_declare(local, value));
  return local;
}

}  // namespace

Stmts peeled_loop(LoopContext& c, const ir::Facts& facts, const LoopVar* var, Expr low, Expr high,
                  std::span<const int> widths, const Stmts& body) {
  Conditions conditions(c, facts, var);
  conditions.collect(body);
  if (conditions.forms.empty()) return vector_loop(c, var, low, high, widths, body);
  LinearIndices indices(c, facts);
  for (const LinearIndex& form : conditions.forms) indices.assume_not_negative(form);
  const Stmts middle = map_exprs(body, [&](Expr e) { return indices.simplify(e); });
  Stmts stmts;
  Expr from = low, to = high;
  conditions.narrow(from, to);
  from = c.read(bind(c, "inner_low", c.binary(ExprOp::Min, from, high), stmts));
  to = c.read(bind(c, "inner_high", c.binary(ExprOp::Max, from, c.binary(ExprOp::Min, to, high)), stmts));
  const int one[] = {1};
  const auto append = [&](const Stmts& more) { stmts.insert(stmts.end(), more.begin(), more.end()); };
  append(loop_in_stages(c, var, low, from, one, body));
  append(vector_loop(c, var, from, to, widths, middle));
  append(loop_in_stages(c, var, to, high, one, body));
  return stmts;
}

namespace {

/// The one load of a value that is nothing but a load and casts of it.
Expr plain_load(Expr e) {
  while (e->op == ExprOp::Cast) e = e->args[0];
  return e->op == ExprOp::Load ? e : nullptr;
}

}  // namespace

Stmts spilling_loop(LoopContext& c, const ir::Facts& facts, const LoopVar* var, Expr low, Expr high, int lanes,
                    std::span<const int> widths, const Stmts& body) {
  const Stmt& store = *body[0];
  Conditions conditions(c, facts, var);
  conditions.collect(body);
  LinearIndices indices(c, facts);
  for (const LinearIndex& form : conditions.forms) indices.assume_not_negative(form);
  const Expr inside = indices.simplify(store.value);
  const Expr outside = store.value->op == ExprOp::Select ? store.value->args[2] : nullptr;
  const Expr load = plain_load(inside);
  const bool has_form = load && conditions.is_complete && (!outside || outside->op == ExprOp::Constant) &&
                        (outside || conditions.forms.empty());
  const LinearIndex at = has_form ? LinearIndices(c, facts).of(load->args[0]) : LinearIndex{};
  bool is_contiguous = has_form && load->arg_count == 1 && at.coefficient(c.loop(var)) == Dim(1);
  for (const auto& [atom, coefficient] : at.terms)
    is_contiguous = is_contiguous && (atom == c.loop(var) || !depends_on(atom, var));
  if (!is_contiguous || lanes < 2) return peeled_loop(c, facts, var, low, high, widths, body);

  Stmts stmts;
  Expr from = low, to = high;
  conditions.narrow(from, to);
  from = c.read(bind(c, "inner_low", c.binary(ExprOp::Min, from, high), stmts));
  to = c.read(bind(c, "inner_high", c.binary(ExprOp::Max, from, c.binary(ExprOp::Min, to, high)), stmts));
  const auto fill = [&](Expr begin, Expr end) {
    const LoopVar* own = c.loop_var(var->name);
    const auto wide = vector_body(c, Stmts{make_store(store.buffer, store.indices, outside)}, var, c.loop(own), lanes);
    stmts.push_back(make_for(own, begin, end, LoopKind::Serial, *wide, lanes));
  };
  if (outside) fill(low, from);
  const Stmts copy{make_store(store.buffer, store.indices, inside)};
  const LoopVar* own = c.loop_var(var->name);
  const auto wide = vector_body(c, copy, var, c.loop(own), lanes);
  // The last vector reads up to lanes - 1 elements too many: not beyond the buffer.
  Substitution first;
  first.loops[var] = from;
  const Expr length = c.binary(ExprOp::Sub, to, from), width = c.i64(lanes);
  const Expr whole =
      c.binary(ExprOp::Mul, c.binary(ExprOp::FloorDiv, c.binary(ExprOp::Add, length, c.i64(lanes - 1)), width), width);
  const Expr end = c.binary(ExprOp::Add, substitute(c, load->args[0], first), whole);
  const int one[] = {1};
  stmts.push_back(make_if(c.binary(ExprOp::Le, end, c.dim(load->buffer->shape[0])),
                          {make_for(own, from, to, LoopKind::Serial, *wide, lanes)},
                          loop_in_stages(c, var, from, to, one, copy)));
  if (outside) fill(to, high);
  return stmts;
}

Expr inside_of_padding(LoopContext& c, const ir::Facts& facts, Expr value) {
  const LoopVar* none = c.loop_var("none");
  Conditions conditions(c, facts, none);
  conditions.collect({make_declare(c.local("value", value->type, false), value)});
  LinearIndices indices(c, facts);
  for (const LinearIndex& form : conditions.forms) indices.assume_not_negative(form);
  return indices.simplify(value);
}

}  // namespace strata::compiler
