#include "strata/compiler/loop/nest/panels.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
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

namespace {

/// The columns' integer at a term that is a number, with `byte` in place of each load: what is done with the bytes.
Expr done_with_bytes(const BlockProduct& p, LoopContext& c, int64_t term, Expr byte) {
  const auto rule = [&](Expr e) -> Expr {
    if (e->op == ExprOp::Load && !reads_memory(e->args[0])) return c.cast(e->type.dtype, byte);
    return e->op == ExprOp::Loop && e->loop == p.term ? c.i64(term) : nullptr;
  };
  return ExprRewriter(c, rule)(p.columns_integer);
}

class BlockLines {
 public:
  BlockLines(const BlockProduct& product, LoopContext& c, const ir::Facts& facts)
      : product_(product), c_(c), facts_(facts), decoded_(product.decoded(c)) {}

  std::vector<Expr> loads() const { return has_numbers(decoded_) ? loads_of_columns(decoded_) : std::vector<Expr>(); }
  std::vector<int64_t> widths(const std::vector<Expr>& loads) const { return possible_widths(decoded_, loads); }

  /// Whether terms 2 i and 2 i + 1 differ in the index of their bytes alone, which are neighbours, the first at an
  /// even place.
  bool are_pairs() {
    if (!have_pairs_one_form()) return false;
    IndexOfColumns index(decoded_, c_, facts_);
    const Expr column = index.loop("column", decoded_.columns.extent()),
               block = index.loop("b", product_.scales.depth.extent());
    for (int64_t u = 0; u + 1 < product_.terms; u += 2) {
      for (const Expr load : loads_of_integers()) {
        const LinearIndex first = index.at(load, column, term_of(block, u)),
                          second = index.at(load, column, term_of(block, u + 1));
        if (!(first.terms == second.terms) || !(second.constant == first.constant + Dim(1))) return false;
        if (!exact_quotient(first.constant, Dim(2))) return false;
        for (const auto& [atom, coefficient] : first.terms)
          if (!exact_quotient(coefficient, Dim(2))) return false;
      }
    }
    return true;
  }

  std::optional<BlockPanels> panels(const std::vector<Expr>& loads, int64_t width, int stride) {
    BlockPanels made{width, (decoded_.columns.extent().constant() + width - 1) / width, stride, {}};
    const std::vector<Expr> integers = loads_of_integers();
    if (stride == 2 && !have_pairs_one_form()) return std::nullopt;
    for (const Expr load : loads) {
      const bool is_of_terms = std::ranges::find(integers, load) != integers.end();
      std::optional<int64_t> distance;
      for (int64_t u = 0; u < (is_of_terms ? product_.terms : 1); ++u) {
        const auto found = distance_at(load, u, width, made.count, stride, is_of_terms);
        if (!found || (distance && *distance != *found)) return std::nullopt;
        distance = found;
      }
      made.lines.push_back({load, *distance});
    }
    return made;
  }

 private:
  std::vector<Expr> loads_of_integers() const {
    Contraction integers = decoded_;
    integers.columns_operand = product_.columns_integer;
    return loads_of_columns(integers);
  }
  /// Whether the same is done with the bytes of terms 2 i and 2 i + 1.
  bool have_pairs_one_form() const {
    const Expr byte = c_.read(c_.local("byte", {ir::DType::u8, 1}, false));
    for (int64_t u = 0; u + 1 < product_.terms; u += 2)
      if (done_with_bytes(product_, c_, u, byte) != done_with_bytes(product_, c_, u + 1, byte)) return false;
    return product_.terms % 2 == 0;
  }
  Expr term_of(Expr block, int64_t u) {
    return c_.binary(ExprOp::Add, c_.binary(ExprOp::Mul, block, c_.i64(product_.terms)), c_.i64(u));
  }

  /// From one panel to the next, if the load lies in panels at term u; in pairs, the next term's byte lies behind it.
  std::optional<int64_t> distance_at(Expr load, int64_t u, int64_t width, int64_t count, int stride, bool is_of_terms) {
    IndexOfColumns index(decoded_, c_, facts_);
    const Expr panel = index.loop("panel", count), column = index.loop("column", width),
               block = index.loop("b", product_.scales.depth.extent());
    const Expr j = c_.binary(ExprOp::Add, c_.binary(ExprOp::Mul, panel, c_.i64(width)), column);
    const LinearIndex form = index.at(load, j, term_of(block, u));
    const Dim distance = form.coefficient(panel);
    const auto within = index.without(form, {panel});
    if (!(form.coefficient(column) == Dim(stride)) || !distance.is_constant() || !within ||
        !index.without(form, {panel, column}) || !index.lies_within(*within, {column, block}, distance))
      return std::nullopt;
    if (stride == 2 && is_of_terms && u % 2 == 0) {
      const LinearIndex next = index.at(load, j, term_of(block, u + 1));
      if (!(next.terms == form.terms) || !(next.constant == form.constant + Dim(1))) return std::nullopt;
    }
    return distance.constant();
  }

  const BlockProduct& product_;
  LoopContext& c_;
  const ir::Facts& facts_;
  Contraction decoded_;
};

}  // namespace

std::optional<BlockPanels> block_panels(const BlockProduct& product, LoopContext& c, const ir::Facts& facts) {
  BlockLines lines(product, c, facts);
  const std::vector<Expr> loads = lines.loads();
  if (loads.empty()) return std::nullopt;
  for (const int64_t width : lines.widths(loads))
    for (const int stride : {2, 1})
      if (auto made = lines.panels(loads, width, stride)) return made;
  return std::nullopt;
}

std::optional<ColumnMatrix> block_matrix(const BlockProduct& product, LoopContext& c, const ir::Facts& facts) {
  auto matrix = column_matrix(product.decoded(c), c, facts);
  if (!matrix) return std::nullopt;
  matrix->group = matrix->line % 2 == 0 && BlockLines(product, c, facts).are_pairs() ? 2 : 1;
  return matrix;
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

int64_t decoding_operations(const Contraction& k) {
  const int64_t block = depth_periods(k).block;
  std::unordered_map<Expr, bool> known;
  const std::function<bool(Expr)> changes_in_block = [&](Expr e) {
    if (block == 1) return true;
    if (e->op == ExprOp::Loop) return e->loop == k.depth.loops[0].var;
    if (e->op == ExprOp::FloorDiv && constant_value(e->args[1]).value_or(1) % block == 0) return false;
    if (const auto at = known.find(e); at != known.end()) return at->second;
    bool does = false;
    for (int i = 0; i < e->arg_count; ++i) does = does || changes_in_block(e->args[i]);
    return known[e] = does;
  };
  int64_t operations = 0;
  for_each_node(k.columns_operand, [&](Expr e) {
    const bool is_index = e->type == ScalarType{ir::DType::i64, 1} && !reads_memory(e);
    if (e->arg_count > 0 && e->op != ExprOp::Load && !is_index && changes_in_block(e)) ++operations;
  });
  return operations;
}

}  // namespace strata::compiler
