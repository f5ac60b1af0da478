#include "strata/transform/padded_sum.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>
#include <vector>

#include "strata/ir/graph/op.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/shape/shape.h"

namespace strata::transform {

using ir::Dim;
using ir::Node;
using ir::Type;
using ir::Value;

namespace {

bool is_count(Dim d) { return d.is_constant() && d.constant() >= 0; }

/// A value that stands at an offset in zeros. Axes along which it is as long as the whole have offset 0.
struct Block {
  std::vector<int64_t> offset;
  Value value;
};

/// What two blocks must have in common to stand in one row along `axis` (-1: at one place).
std::vector<std::pair<int64_t, Dim>> place_of(const Block& block, int axis) {
  std::vector<std::pair<int64_t, Dim>> place;
  for (int a = 0; a < block.value.rank(); ++a)
    if (a != axis) place.emplace_back(block.offset[a], block.value.type().dim(a));
  return place;
}

/// Groups in the order of their first block, each in the order of the list. Extents are compared as numbers where they
/// are, else they are those of the whole.
std::vector<std::vector<Block>> grouped(const std::vector<Block>& blocks, int axis) {
  std::vector<std::vector<Block>> groups;
  std::map<std::vector<std::pair<int64_t, int64_t>>, size_t> known;
  for (const Block& block : blocks) {
    std::vector<std::pair<int64_t, int64_t>> key;
    for (const auto& [offset, extent] : place_of(block, axis))
      key.emplace_back(offset, extent.is_constant() ? extent.constant() : -1);
    const auto [at, is_new] = known.emplace(std::move(key), groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(block);
  }
  return groups;
}

std::vector<Block> with_equal_ones_added(const std::vector<Block>& blocks) {
  std::vector<Block> sums;
  for (const std::vector<Block>& equal : grouped(blocks, -1)) {
    sums.push_back(equal[0]);
    for (size_t i = 1; i < equal.size(); ++i) sums.back().value = ops::add<Value>(sums.back().value, equal[i].value);
  }
  return sums;
}

int64_t first_of(const Block& b, int axis) { return b.offset[axis]; }
int64_t behind(const Block& b, int axis) { return first_of(b, axis) + b.value.type().dim(axis).constant(); }

/// Zeros in pieces of 1, 2, 4, ... along the axis: gaps of all lengths are made by a few kernels.
void append_zeros(std::vector<Value>& parts, Value like, int axis, int64_t extent) {
  ir::Shape shape(like.shape().begin(), like.shape().end());
  while (extent > 0) {
    const auto piece = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(extent)));
    shape[axis] = piece;
    parts.push_back(ops::full(like.graph(), like.type().with_shape(shape), 0.0));
    extent -= piece;
  }
}

/// Blocks that don't overlap, in ascending order, with zeros between: as long as the whole along the axis.
Block side_by_side(const std::vector<Block>& row, int axis, int64_t extent) {
  std::vector<Value> parts;
  int64_t end = 0;
  for (const Block& b : row) {
    append_zeros(parts, b.value, axis, first_of(b, axis) - end);
    parts.push_back(b.value);
    end = behind(b, axis);
  }
  append_zeros(parts, row[0].value, axis, extent - end);
  Block joined{row[0].offset, ops::concat(parts, axis)};
  joined.offset[axis] = 0;
  return joined;
}

/// Each block goes to the first row in which it stands behind the last one.
std::vector<Block> widened(std::vector<Block> blocks, int axis, int64_t extent) {
  std::ranges::stable_sort(blocks, {}, [&](const Block& b) { return first_of(b, axis); });
  std::vector<std::vector<Block>> rows;
  std::multimap<int64_t, size_t> ends;  // of the rows
  for (Block& b : blocks) {
    auto at = ends.begin();
    size_t row = rows.size();
    if (at != ends.end() && at->first <= first_of(b, axis)) {
      row = at->second;
      ends.erase(at);
    } else {
      rows.emplace_back();
    }
    ends.emplace(behind(b, axis), row);
    rows[row].push_back(std::move(b));
  }
  std::vector<Block> joined;
  for (const std::vector<Block>& row : rows) joined.push_back(side_by_side(row, axis, extent));
  return joined;
}

}  // namespace

bool is_zero_number(Value v) {
  return v.node->op == &ops::kConstant && v.type().rank() == 0 && v.node->attrs.array("value").get(0) == 0;
}

bool is_padded_block(Value v) {
  if (v.node->op != &ops::kPad || !is_zero_number(v.node->operand(1))) return false;
  const auto lo = v.node->attrs.dims("lo"), hi = v.node->attrs.dims("hi"), interior = v.node->attrs.dims("interior");
  for (int a = 0; a < v.rank(); ++a) {
    const size_t i = a;
    if (!(interior[i] == Dim(0)) || !is_count(lo[i]) || !is_count(hi[i])) return false;
    const bool is_whole = lo[i] == Dim(0) && hi[i] == Dim(0);
    if (!is_whole && !v.type().dim(a).is_constant()) return false;
  }
  return true;
}

Value sum_of_padded_blocks(std::span<const Value> padded) {
  std::vector<Block> blocks;
  for (const Value& v : padded) {
    Block block{{}, v.node->operand(0)};
    for (const Dim d : v.node->attrs.dims("lo")) block.offset.push_back(d.constant());
    blocks.push_back(std::move(block));
  }
  const Type whole = padded[0].type();
  blocks = with_equal_ones_added(blocks);
  for (int axis = whole.rank() - 1; axis >= 0; --axis) {
    if (!whole.dim(axis).is_constant()) continue;
    const int64_t extent = whole.dim(axis).constant();
    std::vector<Block> next;
    for (const std::vector<Block>& group : grouped(blocks, axis)) {
      const std::vector<Block> joined = widened(group, axis, extent);
      next.insert(next.end(), joined.begin(), joined.end());
    }
    blocks = with_equal_ones_added(next);
  }
  return blocks[0].value;
}

}  // namespace strata::transform
