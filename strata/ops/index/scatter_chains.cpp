#include "strata/ops/index/scatter_chains.h"

#include "strata/ir/loops/append.h"
#include "strata/ir/loops/joined_loops.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

class Chains {
 public:
  explicit Chains(const ScatterPart& part) : p_(part), c_(part.c), m_(part.m) {
    const Dim updates = p_.most_updates();
    is_joined_ = !(updates.is_constant() && updates.constant() <= kSumBlock);
    Dim destinations = 1;
    for (int64_t a : p_.g.axes) destinations = destinations * p_.x.dim(a);
    const Dim slots = ir::min(updates, destinations);
    slot_of_ = p_.scratch("slot_of", DType::i64, {destinations});
    row_of_ = p_.scratch("row_of", DType::i64, {slots});
    sums_ = rows("sums", slots);
    if (!is_joined_) return;
    const Dim entries = ir::ceil_div(updates, Dim(kSumBlock));
    count_ = p_.scratch("count", DType::u8, {slots});
    blocks_ = p_.scratch("blocks", DType::i64, {slots});
    top_ = p_.scratch("top", DType::i64, {slots});
    below_ = p_.scratch("below", DType::i64, {entries});
    pool_ = rows("pool", entries);
  }

  StmtList all() {
    StmtList stmts;
    for (const Buffer* own : {slot_of_, row_of_, sums_, count_, blocks_, top_, below_, pool_})
      if (own) stmts.push_back(make_alloc(own));
    used_ = counter("used");
    stmts.push_back(make_declare(used_, c_.i64(0)));
    if (is_joined_) {
      entries_ = counter("entries");
      stmts.push_back(make_declare(entries_, c_.i64(0)));
    }
    append(stmts, p_.over_updates([&](const std::vector<Expr>& lead) {
      return p_.at_position(lead, [&](std::span<const Expr> position) { return take(lead, position); });
    }));
    stmts.push_back(
        one_loop(c_, "s", c_.i64(0), c_.read(used_), LoopKind::Serial, [&](Expr slot) { return finish(slot); }));
    return stmts;
  }

 private:
  /// A row of the task's part for each of `count`.
  const Buffer* rows(const char* name, Dim count) const {
    std::vector<Dim> shape{count};
    for (int64_t a : p_.g.others) shape.push_back(p_.extent_of(a));
    return p_.scratch(name, p_.wide, shape);
  }
  const Local* counter(const char* name) const { return c_.local(name, {DType::i64, 1}, true); }
  const Local* number(const char* name) const { return c_.local(name, {DType::i64, 1}, false); }
  static std::vector<Expr> row_index(Expr row, std::span<const Expr> others) {
    std::vector<Expr> at{row};
    at.insert(at.end(), others.begin(), others.end());
    return at;
  }
  Expr sum_at(Expr slot, std::span<const Expr> others) const { return c_.load(sums_, row_index(slot, others)); }
  StmtPtr store_sum(Expr slot, std::span<const Expr> others, Expr value) const {
    return make_store(sums_, row_index(slot, others), value);
  }
  /// For each element of a row of the part.
  StmtList over_others(const std::function<StmtPtr(std::span<const Expr> others)>& body) const {
    std::vector<Expr> extents;
    for (int64_t a : p_.g.others) extents.push_back(p_.length_of(a));
    return vector_nest(c_, extents, [&](std::span<const Expr> others) { return StmtList{body(others)}; });
  }
  StmtList clear(Expr slot) const {
    return over_others([&](std::span<const Expr> others) {
      return store_sum(slot, others, fold_identity_expr(c_, p_.fold, p_.wide));
    });
  }

  /// One update joins the chain of its destination.
  StmtList take(const std::vector<Expr>& lead, std::span<const Expr> position) const {
    Expr flat = c_.i64(0);
    for (size_t k = 0; k < position.size(); ++k)
      flat = m_.add(m_.mul(flat, c_.dim(p_.x.dim(p_.g.axes[k]))), position[k]);
    const Local *destination = number("destination"), *found = number("found"), *slot = counter("slot");
    const Expr d = c_.read(destination), known = c_.read(found), s = c_.read(slot);
    const Expr is_named = m_.both(m_.le(c_.i64(0), known), m_.lt(known, c_.read(used_)));
    StmtList stmts{make_declare(destination, flat), make_declare(found, c_.load(slot_of_, {d})),
                   make_declare(slot, c_.i64(-1)),
                   make_if(is_named, {make_if(m_.eq(c_.load(row_of_, {known}), d), {make_assign(slot, known)})}),
                   make_if(m_.lt(s, c_.i64(0)), begin(d, slot))};
    if (is_joined_) append(stmts, count_one(s));
    append(stmts, over_others([&](std::span<const Expr> others) {
             return store_sum(s, others, fold_expr(c_, p_.fold, sum_at(s, others), p_.update_at(lead, others)));
           }));
    return stmts;
  }

  /// The next slot is the destination's.
  StmtList begin(Expr d, const Local* slot) const {
    const Expr s = c_.read(slot);
    StmtList stmts{make_assign(slot, c_.read(used_)), make_assign(used_, m_.add(c_.read(used_), c_.i64(1))),
                   make_store(slot_of_, {d}, s), make_store(row_of_, {s}, d)};
    if (is_joined_) stmts.push_back(make_store(count_, {s}, c_.constant(DType::u8, 0)));
    append(stmts, clear(s));
    return stmts;
  }

  /// Counts the update. A chain that is full is put away first.
  StmtList count_one(Expr s) const {
    const Local* count = number("n");
    const Expr n = c_.read(count);
    const auto store_count = [&](Expr value) { return make_store(count_, {s}, c_.cast(DType::u8, value)); };
    const Expr first = c_.i64(kSumBlock), later = c_.i64(2 * kSumBlock);
    StmtList begin_stack{make_store(blocks_, {s}, c_.i64(0)), make_store(top_, {s}, c_.i64(-1))};
    StmtList full;
    full.push_back(make_if(m_.eq(n, first), std::move(begin_stack)));
    append(full, put_away(s));
    full.push_back(store_count(c_.i64(kSumBlock + 1)));
    return {make_declare(count, c_.cast(DType::i64, c_.load(count_, {s}))),
            make_if(c_.binary(ExprOp::Or, m_.eq(n, first), m_.eq(n, later)), std::move(full),
                    {store_count(m_.add(n, c_.i64(1)))})};
  }

  /// The chain meets what waits for it, waits itself, and a new one begins.
  StmtList put_away(Expr s) const {
    const Local* bits = counter("bits");
    const Expr left = c_.read(bits), blocks = c_.load(blocks_, {s}), entry = c_.read(entries_);
    StmtList meet = meet_top(s);
    meet.push_back(make_assign(bits, m_.div(left, c_.i64(2))));
    StmtList stmts{make_declare(bits, blocks), make_while(m_.eq(m_.mod(left, c_.i64(2)), c_.i64(1)), std::move(meet)),
                   make_store(blocks_, {s}, m_.add(blocks, c_.i64(1))), make_store(below_, {entry}, c_.load(top_, {s})),
                   make_store(top_, {s}, entry)};
    append(stmts, over_others([&](std::span<const Expr> others) {
             return make_store(pool_, row_index(entry, others), sum_at(s, others));
           }));
    append(stmts, clear(s));
    stmts.push_back(make_assign(entries_, m_.add(entry, c_.i64(1))));
    return stmts;
  }

  /// sums = pool[top] + sums; the entry is gone.
  StmtList meet_top(Expr s) const {
    const Local* entry = number("entry");
    StmtList stmts{make_declare(entry, c_.load(top_, {s})), make_store(top_, {s}, c_.load(below_, {c_.read(entry)}))};
    append(stmts, over_others([&](std::span<const Expr> others) {
             const Expr waiting = c_.load(pool_, row_index(c_.read(entry), others));
             return store_sum(s, others, fold_expr(c_, p_.fold, waiting, sum_at(s, others)));
           }));
    return stmts;
  }

  /// The destination takes in what it got.
  StmtList finish(Expr s) const {
    StmtList stmts;
    if (is_joined_) {
      const Expr has_stack = m_.lt(c_.i64(kSumBlock), c_.cast(DType::i64, c_.load(count_, {s})));
      stmts.push_back(make_if(has_stack, {make_while(m_.le(c_.i64(0), c_.load(top_, {s})), meet_top(s))}));
    }
    const Local* destination = number("row");
    stmts.push_back(make_declare(destination, c_.load(row_of_, {s})));
    Expr flat = c_.read(destination);
    std::vector<Expr> position(p_.g.axes.size());
    for (size_t k = position.size(); k-- > 0;) {
      const Expr extent = c_.dim(p_.x.dim(p_.g.axes[k]));
      position[k] = k ? m_.mod(flat, extent) : flat;
      if (k) flat = m_.div(flat, extent);
    }
    append(stmts, p_.over_row(position, [&](std::span<const Expr> at, std::span<const Expr> others) {
      const Expr sum = fold_expr(c_, p_.fold, p_.result_at(at), sum_at(s, others));
      return StmtList{p_.store_result(at, sum)};
    }));
    return stmts;
  }

  const ScatterPart& p_;
  LoopContext& c_;
  IndexMath m_;
  bool is_joined_ = false;
  const Buffer *slot_of_ = nullptr, *row_of_ = nullptr, *sums_ = nullptr, *count_ = nullptr, *blocks_ = nullptr,
               *top_ = nullptr, *below_ = nullptr, *pool_ = nullptr;
  const Local *used_ = nullptr, *entries_ = nullptr;  ///< slots, and entries of the pool
};

}  // namespace

StmtList scatter_chains(const ScatterPart& part) { return Chains(part).all(); }

}  // namespace strata::ops
