#include "strata/compiler/loop/nest/panels.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

namespace strata::compiler {

using ir::Dim;
using namespace ir::loops;

namespace {

/// The index of a load of the column operand at a column and a k that are given as expressions of new loops.
class IndexOfColumns {
 public:
  IndexOfColumns(const Contraction& k, LoopContext& c, const ir::Facts& facts)
      : k_(k), c_(c), facts_(facts), indices_(c, facts) {
    for (const NestLoop& loop : k.batch.loops) indices_.enter_loop(loop.var, c.i64(0), c.dim(loop.extent));
  }
  Expr loop(const char* name, Dim extent) {
    const LoopVar* var = c_.loop_var(name);
    indices_.enter_loop(var, c_.i64(0), c_.dim(extent));
    return c_.loop(var);
  }
  LinearIndex at(Expr load, Expr column, Expr depth) {
    Substitution with;
    GroupIndex(c_, facts_, k_.columns, {}).at(column, with);
    GroupIndex(c_, facts_, k_.depth, {}).at(depth, with);
    return indices_.of(substitute(c_, load->args[0], with));
  }
  /// The form without the terms of these loops; empty if they are in what is left, too.
  std::optional<LinearIndex> without(LinearIndex form, std::initializer_list<Expr> loops) {
    for (const Expr loop : loops) form = indices_.plus(form, {0, {{loop, form.coefficient(loop)}}}, -1);
    for (const Expr loop : loops)
      if (changes_with(form, loop)) return std::nullopt;
    return form;
  }
  static bool changes_with(const LinearIndex& form, Expr loop) {
    return std::ranges::any_of(form.terms, [&](const auto& term) { return depends_on(term.first, loop->loop); });
  }
  /// Whether what these loops add is in 0..limit.
  bool lies_within(LinearIndex form, const std::vector<Expr>& loops, Dim limit) {
    std::erase_if(form.terms, [&](const auto& term) {
      return std::ranges::none_of(loops, [&](Expr loop) { return depends_on(term.first, loop->loop); });
    });
    return indices_.proves_not_negative(form) && indices_.proves_below(form, limit);
  }

 private:
  const Contraction& k_;
  LoopContext& c_;
  const ir::Facts& facts_;
  LinearIndices indices_;
};

bool has_numbers(const Contraction& k) {
  return !k.columns.is_empty() && !k.depth.is_empty() && k.columns.extent().is_constant() &&
         k.depth.extent().is_constant() && k.columns.extent().constant() > 0 && k.depth.extent().constant() > 0;
}

bool goes_with_columns(const Contraction& k, Expr e) {
  return std::ranges::any_of(k.columns.loops, [&](const NestLoop& loop) { return depends_on(e, loop.var); });
}

/// The loads of the column operand that go with the columns; none if something else does.
std::vector<Expr> loads_of_columns(const Contraction& k) {
  std::vector<Expr> loads;
  std::unordered_set<Expr> seen;
  bool is_of_loads = true;
  const std::function<void(Expr)> visit = [&](Expr e) {
    if (!seen.insert(e).second || !goes_with_columns(k, e)) return;
    if (e->op == ExprOp::Load && !reads_memory(e->args[0])) return loads.push_back(e);
    is_of_loads = is_of_loads && e->arg_count > 0 && e->op != ExprOp::Load;
    for (int i = 0; i < e->arg_count; ++i) visit(e->args[i]);
  };
  visit(k.columns_operand);
  return is_of_loads ? loads : std::vector<Expr>();
}

/// What the width may be: by what an index divides, or the loop that such a quotient was split into.
std::vector<int64_t> possible_widths(const Contraction& k, const std::vector<Expr>& loads) {
  std::vector<int64_t> widths;
  const auto add = [&](int64_t width) {
    if (width > 1 && std::ranges::find(widths, width) == widths.end()) widths.push_back(width);
  };
  if (const Dim run = k.columns.loops.back().extent; run.is_constant()) add(run.constant());
  for (const Expr load : loads)
    for_each_node(load->args[0], [&](Expr e) {
      if (e->op == ExprOp::FloorDiv || e->op == ExprOp::FloorMod)
        if (const auto by = constant_value(e->args[1])) add(*by);
    });
  return widths;
}

/// A load at panels of `width` columns with `members` elements beside each other; empty if it doesn't lie so.
std::optional<ReadyPanels::Line> line_of(Expr load, int64_t width, int members, const Contraction& k, LoopContext& c,
                                         const ir::Facts& facts) {
  const int64_t count = (k.columns.extent().constant() + width - 1) / width;
  IndexOfColumns index(k, c, facts);
  const Expr panel = index.loop("panel", count), column = index.loop("column", width),
             group = index.loop("k", ir::ceil_div(k.depth.extent(), Dim(members))), member = index.loop("g", members);
  const auto at = [&](Expr of_group) {
    const Expr depth = c.binary(ExprOp::Add, c.binary(ExprOp::Mul, group, c.i64(members)), of_group);
    return index.at(load, c.binary(ExprOp::Add, c.binary(ExprOp::Mul, panel, c.i64(width)), column), depth);
  };
  const LinearIndex form = at(c.i64(0));
  const Dim distance = form.coefficient(panel);
  if (!(form.coefficient(column) == Dim(members)) || !distance.is_constant()) return std::nullopt;
  if (members > 1) {
    const LinearIndex of_member = at(member);
    const auto rest = index.without(of_member, {member});
    if (!(of_member.coefficient(member) == Dim(1)) || !rest || !(rest->terms == form.terms)) return std::nullopt;
  }
  ReadyPanels::Line line{load, distance.constant(), std::nullopt};
  const auto rest = index.without(form, {panel, column});
  if (!rest) return std::nullopt;
  if (const auto beside = index.without(*rest, {group})) {
    const Dim step = form.coefficient(group);  // 0: a scale for the whole column
    if (!(step == Dim(width * members)) && !(step == Dim(0))) return std::nullopt;
    line.step = step.constant();
  }
  // One panel alone is a matrix of so many columns, which is packed as any other.
  LinearIndex in_panel = *index.without(form, {panel});
  if (line.step) in_panel.constant = 0;  // the panels may begin anywhere
  return index.lies_within(in_panel, {column, group}, Dim(line.distance)) ? std::optional(line) : std::nullopt;
}

/// Elements that are loads lie in the contraction's groups. What is decoded of bytes is put into groups as it is read;
/// 0 where a group is cut.
int group_in_memory(const Contraction& k) {
  Expr e = k.columns_operand;
  while (e->op == ExprOp::Cast) e = e->args[0];
  if (e->op == ExprOp::Load) return k.group;
  return k.depth.extent().constant() % k.group == 0 ? 1 : 0;
}

}  // namespace

bool ReadyPanels::is_linear() const {
  return std::ranges::all_of(lines, [](const Line& line) { return line.step.has_value(); });
}

std::optional<ReadyPanels> ready_panels(const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  if (!has_numbers(k)) return std::nullopt;
  const std::vector<Expr> loads = loads_of_columns(k);
  const int members = group_in_memory(k);
  if (loads.empty() || members == 0) return std::nullopt;
  for (const int64_t width : possible_widths(k, loads)) {
    ReadyPanels panels{width, (k.columns.extent().constant() + width - 1) / width, members, {}};
    for (const Expr load : loads)
      if (const auto line = line_of(load, width, members, k, c, facts)) panels.lines.push_back(*line);
    if (panels.lines.size() == loads.size()) return panels;
  }
  return std::nullopt;
}

std::optional<ColumnMatrix> column_matrix(const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  const std::vector<Expr> loads = has_numbers(k) ? loads_of_columns(k) : std::vector<Expr>();
  if (loads.empty() || group_in_memory(k) == 0) return std::nullopt;
  const Buffer* buffer = loads[0]->buffer;
  const Dim elements = ir::product(buffer->shape);
  const int64_t columns = k.columns.extent().constant();
  if (buffer->kind != BufferKind::Input || !elements.is_constant() || elements.constant() % columns != 0)
    return std::nullopt;
  const int64_t length = elements.constant() / columns;
  const auto lies = [&](Expr load, bool is_along_depth) {
    IndexOfColumns index(k, c, facts);
    std::vector<Expr> along_line;
    if (!is_along_depth)
      for (const NestLoop& loop : k.batch.loops) along_line.push_back(c.loop(loop.var));
    const Expr column = index.loop("column", columns), at = index.loop("k", k.depth.extent());
    const LinearIndex form = index.at(load, column, at);
    const auto rest = index.without(form, {column});
    if (load->buffer != buffer || !rest || !(form.coefficient(column) == Dim(is_along_depth ? length : 1)))
      return false;
    along_line.push_back(at);
    const auto is_whole = [&](Dim d) { return is_along_depth || exact_quotient(d, Dim(columns)).has_value(); };
    const auto is_of_line = [&](Expr atom) {
      return std::ranges::any_of(along_line, [&](Expr loop) { return depends_on(atom, loop->loop); });
    };
    for (const auto& [atom, coefficient] : rest->terms)
      if (!is_of_line(atom) || !is_whole(coefficient)) return false;
    return is_whole(rest->constant) && index.lies_within(*rest, along_line, is_along_depth ? Dim(length) : elements);
  };
  for (const bool is_along_depth : {false, true})
    if (std::ranges::all_of(loads, [&](Expr load) { return lies(load, is_along_depth); }))
      return ColumnMatrix{buffer, columns, length, is_along_depth, group_in_memory(k)};
  return std::nullopt;
}

DepthPeriods depth_periods(const Contraction& k) {
  constexpr int64_t kShortest = 8, kMostRuns = 4;
  if (k.group > 1 || k.depth.loops.size() != 1 || !k.depth.extent().is_constant()) return {};
  int64_t shortest = 0, longest = 1;
  for_each_node(k.columns_operand, [&](Expr e) {
    if ((e->op != ExprOp::FloorDiv && e->op != ExprOp::FloorMod) || !depends_on(e, k.depth.loops[0].var)) return;
    const int64_t by = constant_value(e->args[1]).value_or(0);
    longest = std::max(longest, by);
    if (by >= kShortest && (shortest == 0 || by < shortest)) shortest = by;
  });
  if (shortest == 0) return {};
  const int64_t terms = k.blocks.kind == DepthBlocks::Kind::Even ? k.blocks.terms : k.depth.extent().constant();
  const bool fits = longest % shortest == 0 && longest / shortest <= kMostRuns && terms % longest == 0 &&
                    k.depth.extent().constant() % longest == 0;
  return fits ? DepthPeriods{shortest, longest} : DepthPeriods{};
}

}  // namespace strata::compiler
