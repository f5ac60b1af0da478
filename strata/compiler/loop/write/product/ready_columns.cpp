#include "strata/compiler/loop/write/product/ready_columns.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::compiler {

using namespace ir::loops;

using Stmts = std::vector<StmtPtr>;

ReadyPanels require_panels(const Contraction& contraction, const Tiling& tiling, LoopContext& c,
                           const ir::Facts& facts) {
  auto panels = ready_panels(contraction, c, facts);
  if (!panels) refuse_schedule("columns can't be read in place: they don't lie in panels");
  if (panels->width % tiling.lanes != 0 || tiling.tile_columns() % panels->width != 0)
    refuse_schedule(fmt::format(
        "columns lie in panels of {}, which vectors of {} have to divide, and tiles of {} to be a multiple of",
        panels->width, tiling.lanes, tiling.tile_columns()));
  return *panels;
}

ReadyColumns::ReadyColumns(const ProductScope& scope, ReadyPanels panels)
    : scope_(scope), c_(scope.context), panels_(std::move(panels)), periods_(depth_periods(scope.contraction)) {}

std::string ReadyColumns::note() const {
  std::string text = fmt::format("in panels of {}", panels_.width);
  if (periods_.block > 1) text += fmt::format(", block by block of {}", periods_.block);
  return text;
}

/// The index at column 0 and k 0.
Expr ReadyColumns::start(const ReadyPanels::Line& line) const {
  Substitution with = scope_.outer;
  GroupIndex(c_, scope_.facts, scope_.contraction.columns, {}).at(c_.i64(0), with);
  GroupIndex(c_, scope_.facts, scope_.contraction.depth, {}).at(c_.i64(0), with);
  return replaced(c_, scope_.facts, line.load->args[0], with);
}

/// A tile of several panels may go beyond the last one: there it reads that again, for sums that nobody reads.
ReadyColumns::Firsts ReadyColumns::firsts(Expr jt, Expr first_column, Expr origin, Stmts& stmts) const {
  const Tiling& tiling = scope_.tiling;
  const int64_t in_tile = tiling.tile_columns() / panels_.width, group = panels_.group;
  const Expr tile = scope_.add(c_.binary(ExprOp::FloorDiv, first_column, c_.i64(tiling.tile_columns())), jt);
  Firsts all;
  for (const ReadyPanels::Line& line : panels_.lines) {
    const Expr from = line.step ? scope_.add(start(line), scope_.mul(origin, *line.step / group)) : c_.i64(0);
    std::vector<Expr>& first = all.emplace_back();
    for (int64_t v = 0; v < tiling.tile_vectors; ++v) {
      const int64_t column = v * tiling.lanes;
      Expr number = scope_.add(scope_.mul(tile, in_tile), c_.i64(column / panels_.width));
      if (panels_.count % in_tile != 0) number = scope_.min(number, c_.i64(panels_.count - 1));
      first.push_back(scope_.bind(
          "first",
          scope_.add(scope_.add(from, scope_.mul(number, line.distance)), c_.i64(column % panels_.width * group)),
          stmts));
    }
  }
  return all;
}

Expr ReadyColumns::decoded(const Firsts& first, size_t v, Expr k, Expr relative, LinearIndices& indices) const {
  Substitution with = scope_.outer;
  GroupIndex(c_, scope_.facts, scope_.contraction.columns, {}).at(c_.i64(0), with);
  GroupIndex(c_, scope_.facts, scope_.contraction.depth, {}).at(k, with);
  const int lanes = scope_.tiling.lanes * panels_.group;
  const auto index_of = [&](Expr e) { return indices.expr(indices.of(substitute(c_, e, with))); };
  const auto rule = [&](Expr e) -> Expr {
    if (e->op == ExprOp::Load) {
      const auto line = std::ranges::find(panels_.lines, e, &ReadyPanels::Line::load);
      if (line == panels_.lines.end()) return c_.load(e->buffer, {index_of(e->args[0])});
      const Expr from = first[static_cast<size_t>(line - panels_.lines.begin())][v];
      const Expr further = line->step ? scope_.mul(relative, *line->step) : index_of(e->args[0]);
      return c_.load(e->buffer, {c_.ramp(scope_.add(from, further), 1, lanes)});
    }
    const bool is_index = e->type == ScalarType{ir::DType::i64, 1} && !reads_memory(e);
    return is_index ? index_of(e) : nullptr;
  };
  const Expr made = ExprRewriter(c_, rule)(scope_.contraction.columns_operand);
  return made->type.lanes == lanes ? made : c_.broadcast(made, lanes);
}

bool ReadyColumns::come_from_memory() const {
  constexpr int64_t kKeptBytes = 1 << 18;
  int64_t bytes = 0;
  for (const ReadyPanels::Line& line : panels_.lines)
    bytes += panels_.count * line.distance * ir::dtype_bytes(line.load->buffer->dtype);
  return bytes > kKeptBytes;
}

bool ReadyColumns::next_tile_is_near() const {
  // One row of f32 with tiles of 2 MiB: 1.05 ms without and 1.8 with what came too early; four of bf16 with tiles of
  // 128 KiB: 0.70 ms with and 0.95 without (4096 x 4096, Zen 5).
  constexpr int64_t kNear = 3 << 16;
  int64_t bytes = 0;
  for (const ReadyPanels::Line& line : panels_.lines)
    bytes +=
        line.step.value_or(0) / panels_.group * scope_.tiling.panel_depth * ir::dtype_bytes(line.load->buffer->dtype);
  return bytes * scope_.tiling.tile_columns() / panels_.width <= kNear;
}

/// Lines of the next tile begin far away: a processor that follows lines by itself begins anew there, and the first of
/// many row tiles would wait for each line while memory rests under the others.
Stmts ReadyColumns::prefetches(const Firsts& first, Expr k) const {
  const Tiling& tiling = scope_.tiling;
  const int64_t in_tile = tiling.tile_columns() / panels_.width, vectors = panels_.width / tiling.lanes;
  constexpr int64_t kLineBytes = 64;
  Stmts made;
  for (size_t l = 0; l < panels_.lines.size(); ++l)
    for (int64_t panel = 0; panel < in_tile; ++panel) {
      const ReadyPanels::Line& line = panels_.lines[l];
      const Expr from = first[l][static_cast<size_t>(panel * vectors)];
      const Expr next = scope_.add(scope_.add(from, c_.i64(in_tile * line.distance)), scope_.mul(k, *line.step));
      const int64_t length = *line.step == 0 ? 1 : panels_.width * panels_.group;
      for (int64_t at = 0; at < length; at += kLineBytes / ir::dtype_bytes(line.load->buffer->dtype))
        made.push_back(make_prefetch(line.load->buffer, {scope_.add(next, c_.i64(at))}));
    }
  return made;
}

Expr ReadyColumns::group_at(const Firsts& first, size_t v, Expr k, Expr relative) const {
  LinearIndices indices(c_, scope_.facts);
  const Contraction& contraction = scope_.contraction;
  if (panels_.group == contraction.group)
    return contraction.in_order_of_steps(c_, decoded(first, v, k, relative, indices));
  std::vector<Expr> members;
  for (int64_t m = 0; m < contraction.group; ++m)
    members.push_back(decoded(first, v, scope_.add(k, c_.i64(m)),
                              scope_.add(scope_.mul(relative, contraction.group), c_.i64(m)), indices));
  return contraction.in_order_of_steps(c_, beside(c_, members));
}

Stmts ReadyColumns::steps_in_a_row(const Firsts& first, Expr origin, TaskRange depth, const Step& step,
                                   RowTileOf rows) const {
  const int group = scope_.contraction.group;
  const LoopVar* k = c_.loop_var("k");
  const auto groups_before = [&](Expr at) { return group == 1 ? at : scope_.ceil_div(at, group); };
  // Panels of depth begin between groups: said so, quotients of k by the group's length are numbers.
  Stmts stmts;
  const Expr origin_group = scope_.bind("first_group", c_.binary(ExprOp::FloorDiv, origin, c_.i64(group)), stmts);
  const Expr absolute = scope_.mul(scope_.add(origin_group, c_.loop(k)), group);
  const auto column_at = [&](size_t v) { return group_at(first, v, absolute, c_.loop(k)); };
  const Expr low = groups_before(depth.low), high = groups_before(depth.high);
  Stmts body = step(c_.loop(k), column_at);
  const bool has_next = rows.number && panels_.is_linear() && panels_.group == group && next_tile_is_near();
  append(stmts, steps_that_fetch(scope_, has_next ? rows : RowTileOf{}, k, low, high, std::move(body),
                                 [&](Expr at) { return prefetches(first, at); }));
  return stmts;
}

/// Panels of depth, and what of them is gone through at once, begin and end between blocks.
Stmts ReadyColumns::steps_by_blocks(const Firsts& first, Expr origin, TaskRange depth, const Step& step) const {
  const Expr block_length = c_.i64(periods_.block);
  const LoopVar* block = c_.loop_var("block");
  Stmts stmts, body;
  const Expr origin_block = scope_.bind("first_block", c_.binary(ExprOp::FloorDiv, origin, block_length), stmts);
  for (int64_t run = 0; run < periods_.block; run += periods_.run) {
    const LoopVar* u = c_.loop_var("u");
    LinearIndices indices(c_, scope_.facts);
    indices.enter_loop(u, c_.i64(0), c_.i64(periods_.run));
    const auto at = [&](Expr number) {
      return scope_.add(scope_.mul(number, periods_.block), scope_.add(c_.i64(run), c_.loop(u)));
    };
    const Expr absolute = at(scope_.add(origin_block, c_.loop(block))), relative = at(c_.loop(block));
    Stmts once;
    // What is loaded and does not change with u.
    ExprRewriter hoist(c_, [&](Expr e) -> Expr {
      if (e->arg_count == 0 || depends_on(e, u) || !reads_memory(e)) return nullptr;
      return scope_.bind("once", e, once);
    });
    const auto column_at = [&](size_t v) { return hoist(decoded(first, v, absolute, relative, indices)); };
    Stmts inner = step(relative, column_at);
    append(body, once);
    body.push_back(make_for(u, c_.i64(0), c_.i64(periods_.run), LoopKind::Serial, std::move(inner)));
  }
  const auto blocks_before = [&](Expr k) { return c_.binary(ExprOp::FloorDiv, k, block_length); };
  stmts.push_back(
      make_for(block, blocks_before(depth.low), blocks_before(depth.high), LoopKind::Serial, std::move(body)));
  return stmts;
}

ReadyColumns::VectorAt ReadyColumns::vectors(const Firsts& first, Expr origin) const {
  return [=, this](size_t v, Expr k) {
    LinearIndices indices(c_, scope_.facts);
    return decoded(first, v, scope_.add(origin, k), k, indices);
  };
}

Stmts ReadyColumns::steps(Expr jt, Expr first_column, Expr origin, TaskRange depth, const Step& step,
                          RowTileOf rows) const {
  Stmts stmts;
  const Firsts first = firsts(jt, first_column, origin, stmts);
  append(stmts, periods_.block > 1 ? steps_by_blocks(first, origin, depth, step)
                                   : steps_in_a_row(first, origin, depth, step, rows));
  return stmts;
}

}  // namespace strata::compiler
