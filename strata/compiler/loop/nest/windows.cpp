#include "strata/compiler/loop/nest/windows.h"

#include <algorithm>

#include "strata/compiler/loop/rewrites.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using namespace ir::loops;

const WindowAxis& Windows::axis_of(const LoopVar* offset) const {
  return *std::find_if(axes.begin(), axes.end(), [&](const WindowAxis& axis) { return axis.offset == offset; });
}

std::vector<int64_t> Windows::strides() const {
  std::vector<int64_t> strides(axes.size(), 1);
  for (size_t i = axes.size(); i-- > 1;) strides[i - 1] = strides[i] * axes[i].length();
  return strides;
}

int64_t Windows::positions() const {
  int64_t product = 1;
  for (const WindowAxis& axis : axes) product *= axis.space_extent;
  return product;
}

int64_t Windows::phases() const {
  int64_t product = 1;
  for (const WindowAxis& axis : axes) product *= axis.stride;
  return product;
}

int64_t Windows::offset_count() const {
  int64_t product = 1;
  for (const WindowAxis& axis : axes) product *= axis.offset_extent;
  return product;
}

std::optional<int64_t> free_steps_of_block(const Contraction& k, const Windows& w) {
  const Dim free = w.free_depth.extent();
  if (k.blocks.kind == DepthBlocks::Kind::One) return std::max<int64_t>(1, free.constant());
  if (k.blocks.kind != DepthBlocks::Kind::Even || k.blocks.terms % w.offset_count() != 0) return std::nullopt;
  return k.blocks.terms / w.offset_count();
}

bool are_blocks_pieces_of_windows(const Contraction& k, const Windows& w) {
  return k.blocks.kind == DepthBlocks::Kind::Pieces && k.blocks.inner == Dim(w.offset_count()) &&
         w.offset_count() > k.blocks.terms;
}

namespace {

bool is_index(Expr e) { return e->type == ScalarType{DType::i64, 1} && !reads_memory(e); }

/// All linear forms in an expression: of its indices, and of what stands inside of their clamps and quotients.
class Forms {
 public:
  Forms(LoopContext& context, const ir::Facts& facts) : indices_(context, facts) {}

  void collect(Expr e) {
    if (!seen_.insert(e).second) return;
    if (is_index(e)) {
      const LinearIndex form = indices_.of(e);
      forms_.push_back(form);
      for (const auto& [atom, coefficient] : form.terms)
        if (atom->op != ExprOp::Loop)
          for (int i = 0; i < atom->arg_count; ++i) collect(atom->args[i]);
      return;
    }
    for (int i = 0; i < e->arg_count; ++i) collect(e->args[i]);
  }

  struct Factors {
    int64_t stride, step;
    friend bool operator==(const Factors&, const Factors&) = default;
  };
  /// The factors, one of which is 1, for which all forms are functions of stride * group + step * depth.
  std::optional<Factors> factors(Expr group, Expr depth) const {
    std::optional<Factors> found;
    for (const LinearIndex& form : forms_) {
      const Dim of_group = form.coefficient(group), of_depth = form.coefficient(depth);
      if (of_group == Dim(0) && of_depth == Dim(0)) continue;
      if (of_group == Dim(0) || of_depth == Dim(0)) return std::nullopt;
      const auto step = exact_quotient(of_depth, of_group), stride = exact_quotient(of_group, of_depth);
      const auto ratio = step ? step : stride;
      if (!ratio || !ratio->is_constant() || ratio->constant() < 1) return std::nullopt;
      const Factors here = step ? Factors{1, ratio->constant()} : Factors{ratio->constant(), 1};
      if (found && !(*found == here)) return std::nullopt;
      found = here;
    }
    return found;
  }

 private:
  LinearIndices indices_;
  std::unordered_set<Expr> seen_;
  std::vector<LinearIndex> forms_;
};

/// The axis of a group's loop. Its offset is the loop of depth with the smallest step; without overlap (a step past the
/// loop's end: the next row of an image is that many pixels on; a stride past the window) there is no window.
WindowAxis axis_along(const NestLoop& loop, const LoopGroup& depth_loops, const Forms& forms, LoopContext& c) {
  WindowAxis axis{loop};
  if (!loop.extent.is_constant()) return axis;
  axis.space_extent = loop.extent.constant();
  for (const NestLoop& depth : depth_loops.loops) {
    const auto factors = forms.factors(c.loop(loop.var), c.loop(depth.var));
    if (!factors || factors->step >= axis.space_extent || !depth.extent.is_constant()) continue;
    if (factors->stride > 1 && factors->stride >= depth.extent.constant()) continue;
    if (axis.offset && axis.step <= factors->step) continue;
    axis.offset = depth.var;
    axis.offset_extent = depth.extent.constant();
    axis.step = factors->step;
    axis.stride = factors->stride;
  }
  return axis;
}

}  // namespace

std::optional<Windows> windows_along(Side side, const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  const LoopGroup& group = side == Side::Columns ? k.columns : k.rows;
  Forms forms(c, facts);
  forms.collect(side == Side::Columns ? k.columns_operand : k.rows_operand);
  Windows found;
  std::vector<const LoopVar*> taken;
  for (const NestLoop& loop : group.loops) {
    const WindowAxis axis = axis_along(loop, k.depth, forms, c);
    const bool is_taken = std::find(taken.begin(), taken.end(), axis.offset) != taken.end();
    if (!axis.offset && found.axes.empty()) {
      found.free_loops.loops.push_back(loop);
      continue;
    }
    if (!loop.extent.is_constant() || axis.space_extent < 1 || axis.offset_extent < 1 || is_taken) return std::nullopt;
    found.axes.push_back(axis);
    if (axis.offset) taken.push_back(axis.offset);
  }
  if (taken.empty()) return std::nullopt;
  constexpr int64_t kMostPhases = 4;  // each is packed by loops of its own
  if (found.phases() > kMostPhases) return std::nullopt;
  for (const NestLoop& depth : k.depth.loops) {
    const bool is_offset = std::find(taken.begin(), taken.end(), depth.var) != taken.end();
    if (!is_offset && !found.offsets.is_empty()) return std::nullopt;
    (is_offset ? found.offsets : found.free_depth).loops.push_back(depth);
  }
  return found;
}

Windows with_inner_axes(Windows windows) {
  std::vector<NestLoop>& free = windows.free_loops.loops;
  while (!free.empty() && free.back().extent.is_constant() && free.back().extent.constant() >= 1) {
    WindowAxis axis{free.back()};
    axis.space_extent = free.back().extent.constant();
    windows.axes.insert(windows.axes.begin(), axis);
    free.pop_back();
  }
  return windows;
}

Windows require_windows(Side side, const Contraction& k, LoopContext& c, const ir::Facts& facts) {
  auto windows = windows_along(side, k, c, facts);
  if (!windows)
    refuse_schedule(std::string("the nest reads no windows along ") + (side == Side::Columns ? "columns" : "rows"));
  return std::move(*windows);
}

}  // namespace strata::compiler
