#include "strata/compiler/loop/poly/write_phases.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <isl/aff.h>
#include <isl/set.h>

#include <algorithm>

#include "strata/compiler/loop/poly/write_task.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/ir/loops/append.h"

namespace strata::compiler::poly {

using namespace ir::loops;

namespace {

using Stmts = std::vector<StmtPtr>;

/// How many waves a phase has, and tasks each of them.
struct Spreading {
  Expr waves, tasks;
};

class PhaseWriter {
 public:
  PhaseWriter(const Kernel& naive, const ControlPart& part, const Dependences& dependences, std::vector<Phase>& phases,
              const WriteOptions& options, const IslSession& isl, std::vector<std::string>& remarks)
      : c_(*naive.context),
        part_(part),
        dependences_(dependences.all()),
        phases_(phases),
        options_(options),
        isl_(isl),
        remarks_(remarks),
        parameters_(c_) {
    for (const auto& [name, value] : part.parameters) parameters_.bind(name, value);
    if (const std::string shared = shared_array(part, phases, dependences, isl); !shared.empty()) {
      remarks.push_back(fmt::format("one task: %{} passes values between tasks", shared));
      for (Phase& phase : phases_) make_serial(phase);
    }
    folded_ = fold_private_arrays(part, phases, isl);
  }

  Stmts write() {
    const bool is_serial = std::ranges::all_of(phases_, [](const Phase& p) { return p.spread == Spread::Serial; });
    if (!is_serial) return spread();
    Stmts made;
    for (size_t p = 0; p < phases_.size(); ++p) allocate(p, made, buffers_, parameters_);
    for (size_t p = 0; p < phases_.size(); ++p) append(made, inner(p, parameters_));
    return made;
  }

 private:
  /// Its tiles become loops.
  void make_serial(Phase& phase) const {
    if (phase.spread == Spread::Serial) return;
    // What overlaps is in its order without tiles, too; each iteration then runs once.
    if (!phase.overlapped) {
      phase.time = side_by_side(phase.tiles, phase.time);
      phase.time_tiles += phase.outer.size();
      phase.time_size += phase.outer.size();
    }
    phase.tiles = isl::union_map::from_domain_and_range(phase.domain, isl_.union_set("{ [] }"));
    phase.outer.clear();
    phase.overlapped.reset();
    phase.spread = Spread::Serial;
  }

  // Tasks.

  Stmts spread() {
    std::vector<Spreading> all;
    Expr waves = c_.i64(0), tasks = c_.i64(1);
    std::vector<Expr> first;
    for (const Phase& phase : phases_) {
      all.push_back(spreading(phase));
      first.push_back(waves);
      waves = c_.binary(ExprOp::Add, waves, all.back().waves);
      tasks = phases_.size() == 1 ? c_.binary(ExprOp::Max, all.back().tasks, c_.i64(1))
                                  : c_.binary(ExprOp::Max, tasks, all.back().tasks);
    }
    const LoopVar* task = c_.loop_var("task");
    const bool has_waves = phases_.size() > 1 || phases_[0].spread == Spread::Waves;
    const Expr count = phases_.size() == 1 && !has_waves ? all[0].tasks : c_.binary(ExprOp::Mul, waves, tasks);
    Stmts body;
    Expr wave = c_.i64(0), in_wave = c_.loop(task);
    if (has_waves) {
      wave = bound("wave", c_.binary(ExprOp::FloorDiv, c_.loop(task), tasks), body);
      in_wave = bound("place", c_.binary(ExprOp::FloorMod, c_.loop(task), tasks), body);
    }
    Stmts choice;
    for (size_t p = phases_.size(); p-- > 0;) {
      Stmts one = of_task(p, c_.binary(ExprOp::Sub, wave, first[p]), in_wave, all[p]);
      choice = p + 1 == phases_.size()
                   ? std::move(one)
                   : Stmts{make_if(c_.binary(ExprOp::Lt, wave, first[p + 1]), std::move(one), std::move(choice))};
    }
    append(body, std::move(choice));
    if (!has_waves) return {make_for(task, c_.i64(0), count, LoopKind::Parallel, std::move(body))};
    return {make_waves(task, c_.i64(0), count, tasks, std::move(body))};
  }

  Expr bound(const std::string& name, Expr value, Stmts& before) {
    if (value->arg_count == 0) return value;
    const Local* local = c_.local(name, value->type, false);
    before.push_back(make_declare(local, value));
    return c_.read(local);
  }

  /// The first and the last tile of an outer member, and how many that are; for the whole phase, in parameters alone.
  struct Range {
    Expr low, high, count;
  };
  Range range_of(const Phase& phase, size_t outer) {
    const isl::set tiles = phase.domain.apply(phase.tiles).as_set().coalesce();
    const isl::ast_build build = build_of(part_);
    const auto expression = [&](isl_pw_aff* value) {
      return parameters_(build.expr_from(isl::manage(value).gist_params(part_.context).coalesce()));
    };
    const Expr low = expression(isl_set_dim_min(tiles.copy(), static_cast<int>(outer)));
    const Expr high = expression(isl_set_dim_max(tiles.copy(), static_cast<int>(outer)));
    const Expr count = c_.binary(ExprOp::Add, c_.binary(ExprOp::Sub, high, low), c_.i64(1));
    const Expr is_any = parameters_.condition(build.expr_from(tiles.params().gist(part_.context).coalesce()));
    return {low, high, c_.select(is_any, count, c_.i64(0))};
  }

  Spreading spreading(const Phase& phase) {
    ranges_.emplace_back();
    if (phase.spread == Spread::Serial) return {c_.i64(1), c_.i64(1)};
    for (size_t i = 0; i < phase.outer.size(); ++i) ranges_.back().push_back(range_of(phase, i));
    const Expr a = ranges_.back()[0].count;
    if (phase.outer.size() == 1) return {c_.i64(1), a};
    const Expr b = ranges_.back()[1].count;
    if (phase.spread == Spread::Tasks) return {c_.i64(1), c_.binary(ExprOp::Mul, a, b)};
    const Expr waves = c_.binary(ExprOp::Sub, c_.binary(ExprOp::Add, a, b), c_.i64(1));
    return {c_.select(c_.binary(ExprOp::Gt, a, c_.i64(0)), waves, c_.i64(0)), c_.binary(ExprOp::Min, a, b)};
  }

  /// One task of a phase, if it has that many.
  Stmts of_task(size_t p, Expr wave, Expr place, const Spreading& spreading) {
    const Phase& phase = phases_[p];
    AstExpressions names = parameters_;
    Stmts made;
    if (phase.spread == Spread::Tasks && phase.outer.size() == 1)
      names.bind(outer_name(part_, 0), c_.binary(ExprOp::Add, ranges_[p][0].low, place));
    if (phase.spread == Spread::Tasks && phase.outer.size() == 2) {
      const Expr row = c_.binary(ExprOp::Max, ranges_[p][1].count, c_.i64(1));
      names.bind(
          outer_name(part_, 0),
          bound("tile0", c_.binary(ExprOp::Add, ranges_[p][0].low, c_.binary(ExprOp::FloorDiv, place, row)), made));
      names.bind(
          outer_name(part_, 1),
          bound("tile1", c_.binary(ExprOp::Add, ranges_[p][1].low, c_.binary(ExprOp::FloorMod, place, row)), made));
    }
    if (phase.spread == Spread::Waves) {
      // The tiles (a, b) of a wave have one sum; the first has the least a that goes with a b there is.
      const Range &a = ranges_[p][0], &b = ranges_[p][1];
      const Expr sum = c_.binary(ExprOp::Add, c_.binary(ExprOp::Add, a.low, b.low), wave);
      const Expr least = c_.binary(ExprOp::Max, a.low, c_.binary(ExprOp::Sub, sum, b.high));
      const Expr first = bound("tile0", c_.binary(ExprOp::Add, least, place), made);
      names.bind(outer_name(part_, 0), first);
      names.bind(outer_name(part_, 1), bound("tile1", c_.binary(ExprOp::Sub, sum, first), made));
    }
    append(made, inner(p, names));
    if (phases_.size() == 1) return made;
    return {make_if(c_.binary(ExprOp::Lt, place, spreading.tasks), std::move(made))};
  }

  // What a task does.

  Stmts inner(size_t p, const AstExpressions& names) {
    const Phase& phase = phases_[p];
    Stmts made;
    std::map<int, PrivateBuffer> buffers = buffers_;
    if (buffers.empty()) allocate(p, made, buffers, names);
    auto tile = find_register_tile(part_, phase, options_.registers, isl_);
    if (tile)
      remarks_.push_back(fmt::format("full tiles of {} in registers: {} rows of {} vectors of {}",
                                     part_.statements[tile->statement].name, tile->rows, tile->vectors, tile->lanes));
    append(made, write_task({.context = c_,
                             .part = part_,
                             .dependences = dependences_,
                             .phase = phase,
                             .parameters = names,
                             .private_buffers = buffers,
                             .register_tile = tile,
                             .lanes = options_.lanes},
                            isl_));
    return made;
  }

  /// Of an axis that a loop has brought.
  ir::Dim whole_extent(const isl::ast_build& build, const FoldedAxis& axis, const Array& array, size_t number) const {
    const isl::pw_aff extent = axis.highest->sub(*axis.lowest).add_constant(1);
    const auto dim = parameters_.dim(build.expr_from(extent.gist_params(part_.context).coalesce()));
    if (!dim)
      refuse_schedule(fmt::format("in this order %{} needs an element for each iteration of {}", array.name,
                                  array.expanded[number]->name));
    return max(*dim, ir::Dim(0));
  }

  void allocate(size_t p, Stmts& made, std::map<int, PrivateBuffer>& buffers, const AstExpressions& names) {
    const isl::ast_build build = build_of(part_);
    for (const FoldedArray& folded : folded_) {
      if (folded.phase != p) continue;
      const Array& array = part_.arrays[folded.array];
      Buffer buffer{array.name, array.dtype, {}, BufferKind::Scratch};
      PrivateBuffer made_of{.folded = &folded};
      std::string shape;
      for (size_t i = 0; i < folded.axes.size(); ++i) {
        const FoldedAxis& axis = folded.axes[i];
        const size_t own = i - array.expanded.size();
        if (axis.kind != FoldedAxis::Whole)
          buffer.shape.emplace_back(axis.extent);
        else
          buffer.shape.push_back(i < array.expanded.size() ? whole_extent(build, axis, array, i)
                                                           : array.buffer->shape[own]);
        shape += fmt::format("{}{}", i ? "," : "", buffer.shape.back().str());
        made_of.lowest.push_back(
            axis.lowest && axis.extent != 1 ? bound("low", names(build.expr_from(*axis.lowest)), made) : nullptr);
      }
      remarks_.push_back(fmt::format("%{} lies in [{}] of a task", array.name, shape));
      made_of.buffer = c_.buffer(std::move(buffer));
      made.push_back(make_alloc(made_of.buffer));
      buffers[folded.array] = std::move(made_of);
    }
  }

  LoopContext& c_;
  const ControlPart& part_;
  isl::union_map dependences_;
  std::vector<Phase>& phases_;
  const WriteOptions& options_;
  const IslSession& isl_;
  std::vector<std::string>& remarks_;
  AstExpressions parameters_;
  std::vector<FoldedArray> folded_;
  std::map<int, PrivateBuffer> buffers_;  ///< of a kernel that is one task
  std::vector<std::vector<Range>> ranges_;
};

}  // namespace

Stmts write_phases(const Kernel& naive, const ControlPart& part, const Dependences& dependences,
                   std::vector<Phase>& phases, const WriteOptions& options, const IslSession& isl,
                   std::vector<std::string>& remarks) {
  return PhaseWriter(naive, part, dependences, phases, options, isl, remarks).write();
}

}  // namespace strata::compiler::poly
