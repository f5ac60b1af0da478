#include "strata/ops/index/gather_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"

namespace strata::ops {
namespace {

/// A function that reads rows by checked positions and says in its own words which one there is not.
struct Asker {
  std::string_view name, index, extent;
};
constexpr Asker kAskers[] = {{"embedding", "id", "the vocabulary has"},
                             {"cross_entropy", "class", "the number of classes is"}};

constexpr std::string_view kCheck = "check ";

/// Null for an op.
const Asker* known_asker(std::string_view name) {
  for (const Asker& asker : kAskers)
    if (name == asker.name) return &asker;
  return nullptr;
}

/// Whether a mode is "check NAME".
bool is_check_of_asker(std::string_view mode) {
  return mode.starts_with(kCheck) && known_asker(mode.substr(kCheck.size()));
}

}  // namespace

GatherLayout::GatherLayout(const ir::Attrs& attrs, Type x, Type indices)
    : batch(attrs.integer("batch")), lead(indices.rank() - 1) {
  const auto named = attrs.ints("axes");
  axes.assign(named.begin(), named.end());
  for (int64_t a = batch; a < x.rank(); ++a)
    if (!has_axis(axes, a)) others.push_back(a);
}

Ints GatherLayout::result_axis_of_x() const {
  Ints from(batch + axes.size() + others.size(), -1);
  for (int64_t b = 0; b < batch; ++b) from[b] = b;
  for (size_t o = 0; o < others.size(); ++o) from[others[o]] = lead + o;
  return from;
}

Shape GatherLayout::result_shape(Type x, Type indices) const {
  Shape shape(indices.shape().begin(), indices.shape().end() - 1);
  for (int64_t o : others) shape.push_back(x.dim(o));
  return shape;
}

namespace {

bool is_empty(Dim d) { return d == Dim(0); }

/// Clamping needs an element to go to, unless there is no position.
void require_somewhere(const ir::Infer& i) {
  const GatherLayout g(i.attrs, i.type(0), i.type(1));
  const Shape moved = g.result_shape(i.type(0), i.type(1));
  if (std::any_of(moved.begin(), moved.end(), is_empty)) return;
  for (int64_t a : g.axes)
    if (is_empty(i.type(0).dim(a)))
      i.fail(base::code::kAttributeValue,
             fmt::format("positions can't be clamped into axis {} of {}, which is empty", a, i.type(0).str()),
             "mode fill reads 0 there, or drops the update");
}

}  // namespace

void check_gather_operands(ir::Infer& i) {
  const Type x = i.type(0), indices = i.type(1);
  const int64_t batch = i.attrs.integer("batch");
  require_axes(i, "axes", x.rank());
  const auto axes = i.attrs.ints("axes");
  if (!ir::is_int(indices.dtype())) i.fail(base::code::kOperandTypes, "indices are integers, found " + indices.str());
  if (indices.rank() < 1 || !ir::proved_equal(indices.dim(-1), Dim(std::ssize(axes))))
    i.fail(base::code::kOperandShapes,
           fmt::format("the last axis of the indices {} should be {}, one entry per named axis", indices.str(),
                       axes.size()));
  if (batch < 0 || batch > x.rank() || batch > indices.rank() - 1)
    i.fail(base::code::kAxis, fmt::format("{} batch axes don't fit {} and indices {}", batch, x.str(), indices.str()));
  for (int64_t a : axes)
    if (a < batch) i.fail(base::code::kAxis, fmt::format("axis {} is both a batch axis and named by the positions", a));
  for (int b = 0; b < batch; ++b)
    if (!ir::proved_equal(x.dim(b), indices.dim(b)))
      i.fail(base::code::kOperandShapes,
             fmt::format("batch axis {} differs: {} and indices {}", b, x.str(), indices.str()));
  const auto mode = i.attrs.text("mode");
  if (mode != "clamp" && mode != "fill" && mode != "check" && !is_check_of_asker(mode))
    i.fail(base::code::kAttributeValue, fmt::format("mode is '{}', expected clamp, fill or check", mode));
  if (const int64_t most = i.attrs.integer("most"); most < 0)
    i.fail(base::code::kAttributeValue, fmt::format("most is {}, expected 0 or more", most));
  if (mode == "clamp") require_somewhere(i);
}

OutOfRange mode_of(const Node& node) {
  const auto text = node.attrs.text("mode");
  return text == "clamp" ? OutOfRange::Clamp : text == "fill" ? OutOfRange::Fill : OutOfRange::Check;
}

int64_t most_of(const Node& node) { return node.attrs.integer("most"); }

std::string_view mode_name(OutOfRange mode) {
  return mode == OutOfRange::Clamp ? "clamp" : mode == OutOfRange::Fill ? "fill" : "check";
}

void refuse_index(const Node& node, std::string_view asker, const HostArray& indices, int64_t row,
                  RefusedIndex refused) {
  std::string text = fmt::format("{}: index {} is out of range for axis {} of extent {}", asker, refused.at,
                                 refused.axis, refused.extent);
  if (const Asker* known = known_asker(asker)) {
    std::vector<int64_t> place(indices.rank() - 1);
    for (size_t a = place.size(); a-- > 0; row /= indices.shape()[a]) place[a] = row % indices.shape()[a];
    const std::string where = place.empty() ? "" : fmt::format(" at [{}]", fmt::join(place, ","));
    text = fmt::format("{}: {} {}{} is out of range, {} {}", asker, known->index, refused.at, where, known->extent,
                       refused.extent);
  }
  base::Error error(base::code::kIndexOutOfRange, text);
  if (const std::string where = node.where.str(); !where.empty()) error.note("recorded at " + where);
  throw error;
}

std::string_view asker_of_gather(const Node& gather) {
  const std::string_view mode = gather.attrs.text("mode");
  return is_check_of_asker(mode) ? mode.substr(kCheck.size()) : gather.op->name;
}

int64_t position_of(const ir::Reference& r, const GatherLayout& g, const Ints& result_index) {
  const HostArray &x = r.operands[0], &indices = r.operands[1];
  const Ints strides = row_strides(x.shape()), from = g.result_axis_of_x();
  int64_t offset = 0;
  for (size_t a = 0; a < from.size(); ++a)
    if (from[a] >= 0) offset += result_index[from[a]] * strides[a];
  int64_t row = 0;
  for (int a = 0; a < g.lead; ++a) row = row * indices.shape()[a] + result_index[a];
  for (int64_t k = 0; k < std::ssize(g.axes); ++k) {
    int64_t at = indices.get_int(row * std::ssize(g.axes) + k);
    const int64_t extent = x.shape()[g.axes[k]];
    // u64 beyond the signed range reads as negative, and is out of range either way; clamping sends it to the end.
    if (at < 0 || at >= extent) {
      const OutOfRange mode = mode_of(r.node);
      if (mode == OutOfRange::Check)
        refuse_index(r.node, asker_of_gather(r.node), indices, row, {at, g.axes[k], extent});
      if (mode == OutOfRange::Fill || extent == 0) return -1;
      at = at < 0 && indices.dtype() != DType::u64 ? 0 : extent - 1;
    }
    offset += at * strides[g.axes[k]];
  }
  return offset;
}

GuardedIndex position_expr(ir::loops::LoopContext& c, const GatherLayout& g, Type x, OutOfRange mode,
                           std::span<const Expr> result_index,
                           const std::function<Expr(std::span<const Expr>)>& read_position) {
  const IndexMath m{c};
  const Ints from = g.result_axis_of_x();
  GuardedIndex result;
  for (int64_t f : from) result.index.push_back(f >= 0 ? result_index[f] : nullptr);
  for (size_t k = 0; k < g.axes.size(); ++k) {
    std::vector<Expr> at(result_index.begin(), result_index.begin() + g.lead);
    at.push_back(m.num(k));
    const Expr stored = read_position(at), extent = m.at(x.dim(g.axes[k]));
    Expr position = c.cast(DType::i64, stored);
    // u64 beyond the signed range would look negative: clamp it to the end instead.
    if (stored->type.dtype == DType::u64) position = c.select(m.lt(position, m.num(0)), c.i64(INT64_MAX), position);
    if (mode != OutOfRange::Clamp) {
      const Expr inside = m.both(m.le(m.num(0), position), m.lt(position, extent));
      result.valid = result.valid ? m.both(result.valid, inside) : inside;
    }
    result.index[g.axes[k]] = m.clamp(position, extent);
  }
  return result;
}

}  // namespace strata::ops
