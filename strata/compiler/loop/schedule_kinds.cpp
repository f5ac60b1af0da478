#include "strata/compiler/loop/schedule_kinds.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/compiler/loop/nest/matrix_program.h"
#include "strata/compiler/loop/nest/strip.h"

namespace strata::compiler {

using ir::loops::LoopContext;

namespace {

using Parts = std::vector<Rewrite::Part>;

constexpr int64_t kMostPoints = 1 << 24;   // of a task
constexpr int64_t kMostExtent = 1 << 16;   // of a tile, block or task along one axis
constexpr int64_t kMostScratch = 1 << 24;  // elements of a panel
constexpr int64_t kMostStrip = 1 << 10;    // lanes that go through a program together
constexpr int64_t kMostSums = 64;          // vectors of a register tile: more would only be spilled

// How an axis is named: by its loop, by its number where two loops have one name.

std::string axis_name(const Nest& nest, size_t axis) {
  const std::string& name = nest.loops[axis].var->name;
  const auto same =
      std::count_if(nest.loops.begin(), nest.loops.end(), [&](const NestLoop& loop) { return loop.var->name == name; });
  return same == 1 ? name : fmt::format("axis {}", axis);
}

int axis_named(const Nest& nest, const std::string& name) {
  std::string names;
  for (size_t axis = 0; axis < nest.loops.size(); ++axis) {
    if (axis_name(nest, axis) == name) return static_cast<int>(axis);
    names += (axis ? ", " : "") + axis_name(nest, axis);
  }
  refuse_schedule(fmt::format("the nest has no loop {}; it has {}", name, names));
}

// A schedule as rewrites.

struct Printer {
  const Nest& nest;

  std::vector<Rewrite> operator()(const ElementSchedule& s) const {
    const std::vector<int64_t> widths(s.widths.begin(), s.widths.end());
    const Rewrite vectors{"vectorise", {{axis_name(nest, static_cast<size_t>(s.axis)), widths}}};
    if (s.points != 0) return {vectors, {"parallel", {{"points", {s.points}}}}};
    return {vectors, {"parallel", {{"lines", {s.lines}}, {"elements", {s.elements}}}}};
  }

  std::vector<Rewrite> operator()(const RowSchedule& s) const {
    std::vector<Rewrite> made;
    if (s.lanes != 0) made.push_back({"vectorise", {{"lanes", {s.lanes}}}});
    if (!s.inner.empty()) made.push_back({"vectorise", {{"inner", {s.inner.begin(), s.inner.end()}}}});
    made.push_back({"parallel", {{"points", {s.points}}}});
    return made;
  }

  std::vector<Rewrite> operator()(const ContractionSchedule& s) const {
    const Tiling& t = s.tiling;
    std::vector<Rewrite> made = beginning("", s.is_exchanged);
    made.push_back({"tile", {{"rows", {t.tile_rows}}, {"columns", {t.tile_columns()}}, {"depth", {t.panel_depth}}}});
    made.push_back({"vectorise", {{"columns", {t.lanes}}}});
    made.push_back({"block", {{"rows", {t.row_block}}}});
    made.push_back({"parallel", {{"rows", {t.task_rows}}, {"columns", {t.task_columns}}}});
    if (s.are_images_apart) made.back().parts.push_back({"images", {1}});
    if (s.group > 1) made.push_back({"group", {{"depth", {s.group}}}});
    Rewrite pack{"pack", {}};
    if (s.rows == RowStorage::Packed) pack.parts.push_back({"rows", {}});
    if (s.columns == ColumnStorage::Packed) pack.parts.push_back({"columns", {}});
    if (!pack.parts.empty()) made.push_back(std::move(pack));
    if (s.columns == ColumnStorage::InPlace) made.push_back({"read", {{"columns in place", {}}}});
    if (s.columns == ColumnStorage::Unpacked) made.push_back({"unpack", {{"columns", {}}}});
    return made;
  }

  std::vector<Rewrite> operator()(const ColumnWindowSchedule& s) const {
    const Tiling& t = s.tiling.tiling;
    std::vector<Rewrite> made = beginning("columns", s.is_exchanged);
    made.push_back({"tile", {{"rows", {t.tile_rows}}, {"columns", {t.tile_columns()}}}});
    made.push_back({"vectorise", {{"columns", {t.lanes}}}});
    made.push_back({"block", {{"rows", {t.row_block}}, {"depth", {s.tiling.panel_free}}}});
    made.push_back({"parallel", {{"rows", {t.task_rows}}, {"lines", {s.tiling.lines}}, {"images", {s.tiling.images}}}});
    return made;
  }

  std::vector<Rewrite> operator()(const RowWindowSchedule& s) const {
    const Tiling& t = s.tiling.tiling;
    std::vector<Rewrite> made = beginning("rows", s.is_exchanged);
    made.front().parts.push_back({"pieces", {s.tiling.pieces}});
    made.push_back({"tile", {{"columns", {t.tile_columns()}}}});
    made.push_back({"vectorise", {{"columns", {t.lanes}}}});
    if (s.tiling.panel_free > 1) made.push_back({"block", {{"depth", {s.tiling.panel_free}}}});
    made.push_back(
        {"parallel",
         {{"pieces", {s.tiling.task_pieces}}, {"free rows", {s.tiling.task_free}}, {"columns", {t.task_columns}}}});
    if (s.columns == ColumnStorage::InPlace) made.push_back({"read", {{"columns in place", {}}}});
    return made;
  }

  std::vector<Rewrite> operator()(const BatchLaneSchedule& s) const {
    const LaneTiling& t = s.tiling;
    std::vector<Rewrite> made = beginning("columns", s.is_exchanged);
    made.push_back({"vectorise", {{"batch", {t.tiling.lanes}}}});
    made.push_back({"tile", {{"positions", {t.tile_positions}}, {"lines", {t.tile_lines}}}});
    made.push_back({"parallel", {{"rows", {t.tiling.task_rows}}, {"lines", {t.lines}}, {"images", {t.images}}}});
    return made;
  }

  std::vector<Rewrite> operator()(const StripSchedule& s) const {
    return {{"vectorise", {{"strip", {s.lanes}}}}, masked_tile(s, "strip"), {"parallel", {{"strip", {s.strip}}}}};
  }

  std::vector<Rewrite> operator()(const MatrixSchedule& s) const {
    return {{"vectorise", {{"columns", {s.lanes}}}}, masked_tile(s, "columns")};
  }

  template <class S>
  static Rewrite masked_tile(const S& s, const char* columns) {
    Rewrite tile{"tile", {{"rows", {s.tile_rows}}, {columns, {s.tile_vectors * s.lanes}}}};
    if (s.masked_rows != 0) tile.parts.push_back({"masked rows", {s.masked_rows}});
    return tile;
  }

  std::vector<Rewrite> operator()(const BlockSchedule& s) const {
    const Tiling& t = s.tiling;
    const Rewrite sums = s.sums == BlockSums::Pairs
                             ? Rewrite{"sum", {{"pairs", {16}}}}
                             : Rewrite{"group", {{"depth", {s.sums == BlockSums::Bytes ? 4 : 2}}}};
    return {{"tile", {{"rows", {t.tile_rows}}, {"columns", {t.tile_columns()}}}},
            {"vectorise", {{"columns", {t.lanes}}}},
            {"parallel", {{"rows", {t.task_rows}}, {"columns", {t.task_columns}}}},
            sums,
            {"read", {{"columns in place", {}}}}};
  }

  static std::vector<Rewrite> beginning(const char* windows, bool is_exchanged) {
    std::vector<Rewrite> made;
    if (*windows) made.push_back({"window", {{windows, {}}}});
    if (is_exchanged) made.push_back({"exchange", {{"rows and columns", {}}}});
    return made;
  }
};

// And back.

Schedule read_elements(RewriteReader& read, const Nest& nest) {
  const bool has_inner = read.has("vectorise", "inner");
  if (has_inner || read.has("vectorise", "lanes") || !read.has_verb("vectorise")) {
    RowSchedule made;
    std::string inner;
    if (read.has("vectorise", "lanes")) made.lanes = read.width("vectorise", "lanes");
    if (has_inner) made.inner = read.widths("vectorise", inner);
    made.points = read.number("parallel", "points", 1, kMostPoints);
    return made;
  }
  ElementSchedule made;
  std::string axis;
  made.widths = read.widths("vectorise", axis);
  made.axis = axis_named(nest, axis);
  if (read.has("parallel", "lines")) {
    made.lines = read.number("parallel", "lines", 1, kMostExtent);
    made.elements = read.number("parallel", "elements", 1, kMostExtent);
  } else {
    made.points = read.number("parallel", "points", 1, kMostPoints);
  }
  return made;
}

/// Lanes and vectors from `vectorise columns` and `tile columns`.
Tiling read_vectors(RewriteReader& read) {
  Tiling t;
  t.lanes = read.width("vectorise", "columns");
  const int64_t columns = read.number("tile", "columns", 1, kMostExtent);
  if (columns % t.lanes != 0)
    refuse_schedule(fmt::format("`tile columns` takes a multiple of the vector's {}, found {}", t.lanes, columns));
  t.tile_vectors = columns / t.lanes;
  return t;
}

void require_multiple(const char* what, int64_t number, int64_t of) {
  if (number % of != 0)
    refuse_schedule(fmt::format("`{}` takes a multiple of the tile's {}, found {}", what, of, number));
}

void require_sums_fit(int64_t rows, int64_t vectors) {
  if (rows * vectors > kMostSums)
    refuse_schedule(fmt::format("a tile of {} rows by {} vectors has more than {} sums", rows, vectors, kMostSums));
}

void read_rows(RewriteReader& read, Tiling& t) {
  t.tile_rows = read.number("tile", "rows", 1, kMostSums);
  require_sums_fit(t.tile_rows, t.tile_vectors);
  t.row_block = read.number("block", "rows", 1, kMostExtent);
  require_multiple("block rows", t.row_block, t.tile_rows);
  t.task_rows = read.number("parallel", "rows", 1, kMostExtent);
  require_multiple("parallel rows", t.task_rows, t.tile_rows);
}

void read_task_columns(RewriteReader& read, Tiling& t) {
  t.task_columns = read.number("parallel", "columns", 1, kMostExtent);
  require_multiple("parallel columns", t.task_columns, t.tile_columns());
  if (t.task_columns * t.panel_depth > kMostScratch || t.row_block * t.panel_depth > kMostScratch ||
      t.task_rows * t.task_columns > kMostScratch)
    refuse_schedule(fmt::format("panels of more than {} elements", kMostScratch));
}

ContractionSchedule read_product(RewriteReader& read, const Contraction& k) {
  ContractionSchedule made;
  made.are_images_apart = read.has("parallel", "images") && read.number("parallel", "images", 1, 1) == 1;
  if (made.are_images_apart && !k.has_images()) refuse_schedule("the columns of this product are not those of images");
  made.is_exchanged = read.take("exchange", "rows and columns");
  made.tiling = read_vectors(read);
  read_rows(read, made.tiling);
  made.tiling.panel_depth = read.number("tile", "depth", 1, kMostExtent);
  read_task_columns(read, made.tiling);
  if (read.has("group", "depth")) {
    made.group = read.width("group", "depth");
    if (made.group != 2 && made.group != 4)
      refuse_schedule(fmt::format("`group depth` takes 2 or 4, found {}", made.group));
  }
  made.rows = read.take("pack", "rows") ? RowStorage::Packed : RowStorage::InPlace;
  if (read.take("read", "columns in place"))
    made.columns = ColumnStorage::InPlace;
  else if (read.take("unpack", "columns"))
    made.columns = ColumnStorage::Unpacked;
  else if (!read.take("pack", "columns"))
    refuse_schedule("this schedule lacks `pack columns`");
  return made;
}

BlockSchedule read_blocks(RewriteReader& read, const BlockProduct& product) {
  BlockSchedule made;
  Tiling& t = made.tiling;
  t = read_vectors(read);
  t.tile_rows = read.number("tile", "rows", 1, kMostSums);
  require_sums_fit(t.tile_rows, t.tile_vectors);
  t.task_rows = t.row_block = read.number("parallel", "rows", 1, kMostExtent);
  require_multiple("parallel rows", t.task_rows, t.tile_rows);
  const ir::Dim depth = product.scales.depth.extent() * ir::Dim(product.terms);
  t.panel_depth = depth.is_constant() ? depth.constant() : 1;
  read_task_columns(read, t);
  if (read.has("sum", "pairs")) {
    if (read.width("sum", "pairs") != 16) refuse_schedule("`sum pairs` takes 16: the bits of a sum");
    made.sums = BlockSums::Pairs;
  } else {
    const int group = read.width("group", "depth");
    if (group != 2 && group != 4) refuse_schedule(fmt::format("`group depth` takes 2 or 4, found {}", group));
    made.sums = group == 4 ? BlockSums::Bytes : BlockSums::Words;
  }
  if (!read.take("read", "columns in place")) refuse_schedule("this schedule lacks `read columns in place`");
  return made;
}

/// The joins of a chain stand at fixed steps: a panel has whole blocks, an even part of one, or all.
void require_whole_blocks(int64_t free_steps, const Contraction& k, const Windows& windows) {
  const auto block = free_steps_of_block(k, windows);
  if (!block) refuse_schedule("the blocks of this chain are not cut along its windows");
  const ir::Dim all = windows.free_depth.extent();
  const bool is_all = all.is_constant() && all.constant() <= free_steps;
  if (is_all || free_steps % *block == 0 || *block % free_steps == 0) return;
  refuse_schedule(fmt::format("`block depth` takes a multiple or a divisor of the {} steps of a block, found {}",
                              *block, free_steps));
}

ColumnWindowSchedule read_column_windows(RewriteReader& read, Contraction k, LoopContext& c, const ir::Facts& facts) {
  ColumnWindowSchedule made;
  made.is_exchanged = read.take("exchange", "rows and columns");
  if (made.is_exchanged) k.transpose();
  const Windows windows = require_windows(Side::Columns, k, c, facts);
  ColumnWindowTiling& t = made.tiling;
  t.tiling = read_vectors(read);
  read_rows(read, t.tiling);
  t.panel_free = read.number("block", "depth", 1, kMostExtent);
  require_whole_blocks(t.panel_free, k, windows);
  t.lines = read.number("parallel", "lines", 1, windows.axes[0].space_extent);
  t.images = read.number("parallel", "images", 1, kMostExtent);
  complete(t, windows);
  if (t.tiling.panel_depth * t.tiling.row_block > kMostScratch || t.tiling.task_columns * t.panel_free > kMostScratch ||
      t.tiling.task_columns * t.tiling.task_rows > kMostScratch)
    refuse_schedule(fmt::format("planes or panels of more than {} elements", kMostScratch));
  return made;
}

RowWindowSchedule read_row_windows(RewriteReader& read, Contraction k, LoopContext& c, const ir::Facts& facts) {
  RowWindowSchedule made;
  made.is_exchanged = read.take("exchange", "rows and columns");
  if (made.is_exchanged) k.transpose();
  const Windows windows = require_windows(Side::Rows, k, c, facts);
  RowWindowTiling& t = made.tiling;
  t.tiling = read_vectors(read);
  t.pieces = read.number("window", "pieces", 1, windows.positions());
  t.task_pieces = read.number("parallel", "pieces", 1, t.pieces);
  if (t.task_pieces != 1 && t.task_pieces != t.pieces)
    refuse_schedule(fmt::format("`parallel pieces` takes 1 or {}, found {}", t.pieces, t.task_pieces));
  t.task_free = read.number("parallel", "free rows", 1, kMostExtent);
  if (read.has("block", "depth")) t.panel_free = read.number("block", "depth", 1, kMostExtent);
  if (!are_blocks_pieces_of_windows(k, windows)) require_whole_blocks(t.panel_free, k, windows);
  const double planes = static_cast<double>(t.task_free) * static_cast<double>(t.panel_free);
  if (planes * static_cast<double>(windows.axes[0].length() * windows.strides()[0]) > static_cast<double>(kMostScratch))
    refuse_schedule(fmt::format("planes of more than {} elements", kMostScratch));
  complete(t, windows);
  require_sums_fit(t.tiling.tile_rows, t.tiling.tile_vectors);
  read_task_columns(read, t.tiling);
  if (read.take("read", "columns in place")) made.columns = ColumnStorage::InPlace;
  return made;
}

BatchLaneSchedule read_batch_lanes(RewriteReader& read, Contraction k, LoopContext& c, const ir::Facts& facts) {
  BatchLaneSchedule made;
  made.is_exchanged = read.take("exchange", "rows and columns");
  if (made.is_exchanged) k.transpose();
  if (k.batch.is_empty()) refuse_schedule("the product has no batch along which vectors could run");
  const Windows windows = with_inner_axes(require_windows(Side::Columns, k, c, facts));
  if (!free_steps_of_block(k, windows) && !are_blocks_pieces_of_windows(k, windows))
    refuse_schedule("the blocks of this chain are not cut along its windows");
  LaneTiling& t = made.tiling;
  t.tiling.lanes = read.width("vectorise", "batch");
  const int64_t line = windows.axes.back().space_extent, lines = windows.axes[0].space_extent;
  t.tile_positions = read.number("tile", "positions", 1, kMostSums);
  t.tile_lines = read.number("tile", "lines", 1, kMostSums);
  require_sums_fit(t.tile_positions, t.tile_lines);
  if (t.tile_lines > 1 && (t.tile_positions < line || windows.axes.size() < 2))
    refuse_schedule(
        fmt::format("a tile of several lines has whole ones, of {} positions, found {}", line, t.tile_positions));
  t.tiling.task_rows = read.number("parallel", "rows", 1, kMostExtent);
  t.lines = read.number("parallel", "lines", windows.axes.size() < 2 ? lines : 1, lines);
  t.images = read.number("parallel", "images", 1, kMostExtent);
  complete(t, windows);
  if (scratch_elements(t, windows) * static_cast<double>(sum_planes(k.blocks)) > static_cast<double>(kMostScratch))
    refuse_schedule(fmt::format("planes or panels of more than {} elements", kMostScratch));
  return made;
}

/// Into a StripSchedule or a MatrixSchedule, whose vectors run along `columns`.
template <class S>
void read_masked_tile(RewriteReader& read, S& made, const std::string& columns, bool has_masks) {
  made.lanes = read.width("vectorise", columns);
  const int64_t wide = read.number("tile", columns, 1, kMostExtent);
  if (wide % made.lanes != 0)
    refuse_schedule(fmt::format("`tile {}` takes a multiple of the vector's {}, found {}", columns, made.lanes, wide));
  made.tile_vectors = wide / made.lanes;
  made.tile_rows = read.number("tile", "rows", 1, kMostSums);
  require_sums_fit(made.tile_rows, made.tile_vectors);
  if (has_masks) made.masked_rows = read.number("tile", "masked rows", 1, kMostSums);
}

StripSchedule read_strips(RewriteReader& read, const Nest& nest) {
  const auto strip = read_strip(nest);
  if (!strip) refuse_schedule("the nest is no program of lanes");
  StripSchedule made;
  read_masked_tile(read, made, "strip", strip->has_masks());
  made.strip = read.number("parallel", "strip", 1, kMostStrip);
  require_multiple("parallel strip", made.strip, made.tile_vectors * made.lanes);
  if (!strip->lane && made.strip != 1) refuse_schedule("the nest has no lanes: its strips are of 1");
  return made;
}

Schedule read_kind(RewriteReader& read, const Nest& nest, LoopContext& c, const ir::Facts& facts) {
  const auto contraction = read_contraction(nest, facts);
  const bool is_along_columns = read.take("window", "columns"), is_along_rows = read.take("window", "rows");
  if ((is_along_columns || is_along_rows) && !contraction)
    refuse_schedule("the nest is no product, and has no windows");
  if (is_along_columns && read.has("vectorise", "batch")) return read_batch_lanes(read, *contraction, c, facts);
  if (is_along_columns) return read_column_windows(read, *contraction, c, facts);
  if (is_along_rows) return read_row_windows(read, *contraction, c, facts);
  // A short sum may be a chain for each element.
  const bool is_of_elements = read.has("parallel", "points") || read.has("parallel", "elements");
  if (contraction && !is_of_elements) return read_product(read, *contraction);
  if (!contraction && read.has("parallel", "columns"))
    if (const auto blocks = read_block_product(nest, facts)) return read_blocks(read, *blocks);
  if (const auto products = matrix_products(nest); !products.empty() && !is_of_elements) {
    MatrixSchedule made;
    read_masked_tile(read, made, "columns", has_masks(products));
    return made;
  }
  if (read.has("parallel", "strip")) return read_strips(read, nest);
  return read_elements(read, nest);
}

}  // namespace

std::vector<Rewrite> rewrites_of(const Schedule& schedule, const Nest& nest) {
  return std::visit(Printer{nest}, schedule);
}

Schedule schedule_of(std::vector<Rewrite> rewrites, const Nest& nest, LoopContext& context, const ir::Facts& facts) {
  RewriteReader read(std::move(rewrites));
  Schedule made = read_kind(read, nest, context, facts);
  read.finish();
  return made;
}

}  // namespace strata::compiler
