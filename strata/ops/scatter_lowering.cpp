#include "strata/ops/scatter_lowering.h"

#include "strata/ir/loops/joined_loops.h"
#include "strata/ops/gather_layout.h"
#include "strata/ops/lowering.h"
#include "strata/ops/status.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

void append(StmtList& to, const StmtList& more) { to.insert(to.end(), more.begin(), more.end()); }

/// What one task does. `batch` are the indices of the shared axes; the last axis that no position names is cut to
/// [first, last) so that tasks can share a table.
class ScatterTask {
 public:
  ScatterTask(ir::Lowering& l, const GatherLayout& g, std::span<const Expr> batch, Expr first = nullptr,
              Expr last = nullptr)
      : l_(l), g_(g), c_(l.context), m_{l.context}, batch_(batch), first_(first), last_(last) {
    const DType t = x_.dtype();
    wide_ = combine_ == Combine::Set ? t : accumulation_dtype(t);
    const auto batches = static_cast<size_t>(g.batch);
    const Dim updates = ir::product(updates_.shape().subspan(batches, static_cast<size_t>(g.lead) - batches));
    const int64_t most = most_of(l.node);
    const bool is_short = (updates.is_constant() && updates.constant() <= kSumBlock) || (most > 0 && most <= kSumBlock);
    const bool is_sum = combine_ == Combine::Add || combine_ == Combine::Mul;
    is_joined_ = is_sum && ir::is_float(t) && !is_short;
    entries_ = ir::ceil_div(updates, Dim(kSumBlock));
    if (is_sum && wide_ != t) sums_ = table("sums", wide_, {x_.shape().begin() + g.batch, x_.shape().end()}, g.batch);
    if (!is_joined_) return;
    std::vector<Dim> destinations{1};
    for (int64_t a : g.axes) destinations[0] = destinations[0] * x_.dim(static_cast<int>(a));
    count_ = scratch("count", DType::u8, destinations);
    blocks_ = scratch("blocks", DType::i64, destinations);
    top_ = scratch("top", DType::i64, destinations);
    below_ = scratch("below", DType::i64, {entries_});
    std::vector<Dim> pool{entries_};
    for (int64_t a : g.others) pool.push_back(extent_of(a));
    pool_ = scratch("pool", wide_, pool);
  }

  StmtList all() {
    StmtList stmts;
    for (const Buffer* own : {sums_, count_, blocks_, top_, below_, pool_})
      if (own) stmts.push_back(make_alloc(own));
    append(stmts, over_part([&](std::span<const Expr> at) {
             const Expr value = c_.load(l_.operand_buffer(0), inside(at));
             return StmtList{sums_ ? store_sum(at, c_.cast(wide_, value))
                                   : make_store(l_.result_buffer(0), inside(at), value)};
           }));
    if (is_joined_) append(stmts, start());
    append(stmts, updates());
    if (is_joined_) append(stmts, finish());
    if (sums_)
      append(stmts, over_part([&](std::span<const Expr> at) {
               return StmtList{make_store(l_.result_buffer(0), inside(at), c_.cast(x_.dtype(), sum_at(at)))};
             }));
    return stmts;
  }

 private:
  const Buffer* scratch(const char* name, DType dtype, std::vector<Dim> shape) {
    return c_.buffer({name, dtype, std::move(shape), BufferKind::Scratch});
  }
  /// Of the axes of x from `from` on, in the task's part.
  const Buffer* table(const char* name, DType dtype, std::vector<Dim> shape, int64_t from) {
    for (size_t a = 0; a < shape.size(); ++a) shape[a] = extent_of(static_cast<int64_t>(a) + from);
    return scratch(name, dtype, std::move(shape));
  }
  bool is_cut(int64_t x_axis) const { return first_ && x_axis == g_.others.back(); }
  /// The most elements of an axis of x that a task has.
  Dim extent_of(int64_t x_axis) const;
  Expr length_of(int64_t x_axis) const {
    return is_cut(x_axis) ? m_.sub(last_, first_) : c_.dim(x_.dim(static_cast<int>(x_axis)));
  }

  // Elements of the task's part, by the index behind the shared axes, counted from the part's first.

  std::vector<Expr> inside(std::span<const Expr> at) const {
    std::vector<Expr> index(batch_.begin(), batch_.end());
    for (size_t k = 0; k < at.size(); ++k)
      index.push_back(is_cut(g_.batch + static_cast<int64_t>(k)) ? m_.add(first_, at[k]) : at[k]);
    return index;
  }
  Expr sum_at(std::span<const Expr> at) const {
    return sums_ ? c_.load(sums_, {at.begin(), at.end()}) : c_.cast(wide_, c_.load(l_.result_buffer(0), inside(at)));
  }
  StmtPtr store_sum(std::span<const Expr> at, Expr value) const {
    return sums_ ? make_store(sums_, {at.begin(), at.end()}, value)
                 : make_store(l_.result_buffer(0), inside(at), c_.cast(x_.dtype(), value));
  }
  StmtList over_part(const std::function<StmtList(std::span<const Expr>)>& body) const {
    std::vector<Expr> extents;
    for (int64_t a = g_.batch; a < x_.rank(); ++a) extents.push_back(length_of(a));
    return loop_nest(c_, extents, LoopKind::Serial, body);
  }
  /// The elements of a destination, whose position is given by the axes that it names.
  StmtList over_row(std::span<const Expr> position,
                    const std::function<StmtList(std::span<const Expr> at, std::span<const Expr> others)>& body) const {
    std::vector<Expr> extents;
    for (int64_t a : g_.others) extents.push_back(length_of(a));
    return loop_nest(c_, extents, LoopKind::Serial, [&](std::span<const Expr> others) {
      std::vector<Expr> at(static_cast<size_t>(x_.rank() - g_.batch));
      for (size_t k = 0; k < g_.axes.size(); ++k) at[static_cast<size_t>(g_.axes[k] - g_.batch)] = position[k];
      for (size_t k = 0; k < g_.others.size(); ++k) at[static_cast<size_t>(g_.others[k] - g_.batch)] = others[k];
      return body(at, others);
    });
  }

  // The updates.

  StmtList updates() const {
    std::vector<Expr> extents;
    for (int64_t a = g_.batch; a < g_.lead; ++a) extents.push_back(c_.dim(updates_.dim(static_cast<int>(a))));
    return loop_nest(c_, extents, LoopKind::Serial, [&](std::span<const Expr> rest) {
      std::vector<Expr> lead(batch_.begin(), batch_.end());
      lead.insert(lead.end(), rest.begin(), rest.end());
      return update(lead);
    });
  }

  StmtList update(const std::vector<Expr>& lead) const {
    const OutOfRange mode = mode_of(l_.node);
    std::vector<Expr> index = lead;  // of the update's first element
    index.resize(lead.size() + g_.others.size(), c_.i64(0));
    const auto read = [&](std::span<const Expr> i) { return c_.load(l_.operand_buffer(1), {i.begin(), i.end()}); };
    const GuardedIndex to = position_expr(c_, g_, x_, mode, index, read);
    StmtList stmts;
    std::vector<Expr> position;
    for (int64_t a : g_.axes) {
      const Local* local = c_.local("at", {DType::i64, 1}, false);
      stmts.push_back(make_declare(local, to.index[static_cast<size_t>(a)]));
      position.push_back(c_.read(local));
    }
    if (mode == OutOfRange::Check && to.valid)
      stmts.push_back(make_check(to.valid, kStatusIndexOutOfRange, to.index.empty() ? c_.i64(0) : to.index[0]));
    StmtList row;
    if (is_joined_) append(row, count_one(position));
    append(row, over_row(position, [&](std::span<const Expr> at, std::span<const Expr> others) {
             std::vector<Expr> from = lead;
             for (size_t k = 0; k < others.size(); ++k)
               from.push_back(is_cut(g_.others[k]) ? m_.add(first_, others[k]) : others[k]);
             const Expr value = c_.cast(wide_, c_.load(l_.operand_buffer(2), from));
             return StmtList{store_sum(at, combine_ == Combine::Set ? value : fold_expr(c_, fold_, sum_at(at), value))};
           }));
    if (to.valid)
      stmts.push_back(make_if(to.valid, std::move(row)));
    else
      append(stmts, row);
    return stmts;
  }

  // The blocks of a destination.

  StmtList start() {
    used_ = c_.local("used", {DType::i64, 1}, true);
    return {one_loop(c_, "d", c_.i64(0), c_.dim(count_->shape[0]), LoopKind::Serial,
                     [&](Expr d) { return StmtList{make_store(count_, {d}, c_.constant(DType::u8, 0))}; }),
            make_declare(used_, c_.i64(0))};
  }

  Expr flat(std::span<const Expr> position) const {
    Expr sum = c_.i64(0);
    for (size_t k = 0; k < position.size(); ++k)
      sum = m_.add(m_.mul(sum, c_.dim(x_.dim(static_cast<int>(g_.axes[k])))), position[k]);
    return sum;
  }
  Expr pooled(Expr entry, std::span<const Expr> others) const {
    std::vector<Expr> at{entry};
    at.insert(at.end(), others.begin(), others.end());
    return c_.load(pool_, at);
  }

  /// Counts the update. A chain that is full is put away first.
  StmtList count_one(std::span<const Expr> position) const {
    const Local *destination = c_.local("destination", {DType::i64, 1}, false),
                *count = c_.local("n", {DType::i64, 1}, false);
    const Expr d = c_.read(destination), n = c_.read(count);
    const auto store_count = [&](Expr value) { return make_store(count_, {d}, c_.cast(DType::u8, value)); };
    const Expr first = c_.i64(kSumBlock), later = c_.i64(2 * kSumBlock);
    const auto store = [&](const Buffer* to, Expr value) { return make_store(to, {d}, value); };
    StmtList begin_stack{store(blocks_, c_.i64(0)), store(top_, c_.i64(-1))};
    StmtList full;
    full.push_back(make_if(m_.eq(n, first), std::move(begin_stack)));
    append(full, put_away(position, d));
    full.push_back(store_count(c_.i64(kSumBlock + 1)));
    return {make_declare(destination, flat(position)), make_declare(count, c_.cast(DType::i64, c_.load(count_, {d}))),
            make_if(c_.binary(ExprOp::Or, m_.eq(n, first), m_.eq(n, later)), std::move(full),
                    {store_count(m_.add(n, c_.i64(1)))})};
  }

  /// The chain meets what waits for it, waits itself, and a new one begins.
  StmtList put_away(std::span<const Expr> position, Expr d) const {
    const Local* bits = c_.local("bits", {DType::i64, 1}, true);
    const Expr left = c_.read(bits), number = c_.load(blocks_, {d});
    StmtList meet = meet_top(position, d);
    meet.push_back(make_assign(bits, m_.div(left, c_.i64(2))));
    StmtList stmts{make_declare(bits, number), make_while(m_.eq(m_.mod(left, c_.i64(2)), c_.i64(1)), std::move(meet)),
                   make_store(blocks_, {d}, m_.add(number, c_.i64(1))),
                   make_store(below_, {c_.read(used_)}, c_.load(top_, {d})), make_store(top_, {d}, c_.read(used_))};
    append(stmts, over_row(position, [&](std::span<const Expr> at, std::span<const Expr> others) {
             std::vector<Expr> entry{c_.read(used_)};
             entry.insert(entry.end(), others.begin(), others.end());
             return StmtList{make_store(pool_, entry, sum_at(at)), store_sum(at, fold_identity_expr(c_, fold_, wide_))};
           }));
    stmts.push_back(make_assign(used_, m_.add(c_.read(used_), c_.i64(1))));
    return stmts;
  }

  /// row = pool[top] + row; the entry is gone.
  StmtList meet_top(std::span<const Expr> position, Expr d) const {
    const Local* entry = c_.local("entry", {DType::i64, 1}, false);
    StmtList stmts{make_declare(entry, c_.load(top_, {d})), make_store(top_, {d}, c_.load(below_, {c_.read(entry)}))};
    append(stmts, over_row(position, [&](std::span<const Expr> at, std::span<const Expr> others) {
             return StmtList{store_sum(at, fold_expr(c_, fold_, pooled(c_.read(entry), others), sum_at(at)))};
           }));
    return stmts;
  }

  StmtList finish() const {
    std::vector<Expr> extents;
    for (int64_t a : g_.axes) extents.push_back(c_.dim(x_.dim(static_cast<int>(a))));
    const StmtList join = loop_nest(c_, extents, LoopKind::Serial, [&](std::span<const Expr> position) {
      const Expr d = flat(position);
      const Expr has_stack = m_.lt(c_.i64(kSumBlock), c_.cast(DType::i64, c_.load(count_, {d})));
      return StmtList{make_if(has_stack, {make_while(m_.le(c_.i64(0), c_.load(top_, {d})), meet_top(position, d))})};
    });
    return {make_if(m_.lt(c_.i64(0), c_.read(used_)), join)};
  }

  ir::Lowering& l_;
  const GatherLayout& g_;
  LoopContext& c_;
  IndexMath m_;
  std::span<const Expr> batch_;
  Expr first_, last_;
  Type x_ = l_.node.type(), updates_ = l_.node.operand(2).type();
  Combine combine_ = combine_of(l_.node);
  Fold fold_ = fold_of(combine_);
  DType wide_ = DType::f32;
  bool is_joined_ = false;
  Dim entries_;
  const Buffer *sums_ = nullptr, *count_ = nullptr, *blocks_ = nullptr, *top_ = nullptr, *below_ = nullptr,
               *pool_ = nullptr;
  const Local* used_ = nullptr;  ///< entries of the pool
};

/// Columns of a table that one task owns: four cache lines of f32.
constexpr int64_t kColumnsPerTask = 64;

Dim ScatterTask::extent_of(int64_t x_axis) const {
  const Dim extent = x_.dim(static_cast<int>(x_axis));
  return is_cut(x_axis) ? ir::min(extent, Dim(kColumnsPerTask)) : extent;
}

}  // namespace

constexpr std::string_view kCombineNames[] = {"set", "add", "mul", "min", "max"};

std::string_view combine_name(Combine combine) { return kCombineNames[static_cast<int>(combine)]; }

std::optional<Combine> combine_from(std::string_view name) {
  for (size_t i = 0; i < std::size(kCombineNames); ++i)
    if (kCombineNames[i] == name) return static_cast<Combine>(i);
  return std::nullopt;
}

Combine combine_of(const Node& n) { return *combine_from(n.attrs.text("combine")); }

Fold fold_of(Combine c) {
  return c == Combine::Mul ? Fold::Prod : c == Combine::Min ? Fold::Min : c == Combine::Max ? Fold::Max : Fold::Sum;
}

StmtList scatter_loops(ir::Lowering& l) {
  LoopContext& c = l.context;
  const Type x = l.node.type();
  const GatherLayout g(l.node.attrs, x, l.node.operand(1).type());
  if (g.batch > 0) {
    const auto shared = x.shape().subspan(0, static_cast<size_t>(g.batch));
    return parallel_over(c, shared, [&](std::span<const Expr> at) { return ScatterTask(l, g, at).all(); });
  }
  if (g.others.empty()) return ScatterTask(l, g, {}).all();
  const IndexMath m{c};
  const Expr extent = m.at(x.dim(static_cast<int>(g.others.back())));
  const Expr tasks = m.div(m.add(extent, m.num(kColumnsPerTask - 1)), m.num(kColumnsPerTask));
  return {one_loop(c, "task", c.i64(0), tasks, LoopKind::Parallel, [&](Expr task) {
    const Expr first = m.mul(task, m.num(kColumnsPerTask));
    return ScatterTask(l, g, {}, first, m.min(m.add(first, m.num(kColumnsPerTask)), extent)).all();
  })};
}

}  // namespace strata::ops
