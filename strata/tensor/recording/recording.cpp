#include "strata/tensor/recording/recording.h"

#include <algorithm>
#include <exception>
#include <set>
#include <unordered_map>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/value_checks.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/runtime/execute/buffer_pool.h"
#include "strata/tensor/lazy/check_groups.h"
#include "strata/tensor/lazy/lazy_programs.h"

namespace strata {

using namespace recording_detail;

namespace {

/// A lazy recording is run when it has grown to so many nodes, so that memory stays bounded.
constexpr size_t kMostPendingNodes = 1 << 17;

thread_local Recording* innermost = nullptr;
thread_local FlushPolicy policy = FlushPolicy::Lazy;
thread_local const char* name_path = nullptr;
thread_local Source line_of_scope;

/// The pool below has ended: at a thread's end its recording, which began before the pool, still gives cells back.
thread_local bool is_pool_gone = false;

/// Free cells of this thread: a handle per recorded op must not cost a call of malloc.
struct CellPool {
  std::vector<Cell*> free;
  ~CellPool() {
    for (Cell* c : free) delete c;
    is_pool_gone = true;
  }
};
thread_local CellPool cell_pool;

Cell* new_cell() {
  if (is_pool_gone || cell_pool.free.empty()) return new Cell;
  Cell* c = cell_pool.free.back();
  cell_pool.free.pop_back();
  c->references.store(1, std::memory_order_relaxed);
  c->recording = nullptr;
  c->value = {};
  return c;
}

}  // namespace

void recording_detail::release(Cell* cell) noexcept {
  if (!cell || cell->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (cell->recording) cell->recording->forget(cell);
  cell->array = HostArray();
  if (cell->failure) cell->failure = nullptr;
  if (!is_pool_gone && cell_pool.free.size() < 65536)
    cell_pool.free.push_back(cell);
  else
    delete cell;
}

void recording_detail::refuse_ended(const Cell& cell, const char* what) {
  if (cell.failure) throw base::Error(*cell.failure);
  throw base::Error(base::code::kEndedRecording,
                    std::string("a tensor is ") + what + " after the jit call that recorded it has ended")
      .hint("return it from the function instead of storing it outside");
}

Recording::Recording(Kind kind) : kind_(kind), graph_(std::make_shared<ir::Graph>()) {}

Recording::~Recording() {
  for (Cell* c : cells_)
    if (c) c->recording = nullptr, c->value = {};
}

Recording& Recording::current() {
  if (innermost) return *innermost;
  thread_local Recording lazy(Kind::Lazy);
  return lazy;
}

ir::Value Recording::enter(const Tensor& x) {
  Cell* cell = x.cell();
  if (!cell)
    throw base::Error(base::code::kUndefinedTensor, "a tensor is used that was never given a value")
        .hint("default-constructed tensors are empty: assign one first");
  if (cell->recording == this) return cell->value;
  if (auto it = captured_.find(cell); it != captured_.end()) return it->second;
  if (!cell->recording && !cell->is_concrete()) refuse_ended(*cell, "used");
  // A trace only needs the type: what is pending outside becomes an operand, with its derivative. In a lazy recording
  // such a cell is another thread's.
  if (kind_ == Kind::Lazy && cell->recording && cell->recording->kind() == Kind::Lazy) x.evaluate();
  const ir::Value parameter = graph_->add_parameter(x.type());
  captures_.push_back({x, parameter});
  captured_.emplace(cell, parameter);
  return parameter;
}

Tensor Recording::leave(ir::Value value) {
  Cell* cell = new_cell();
  cell->recording = this;
  cell->value = value;
  cell->slot = cells_.size();
  cells_.push_back(cell);
  return Tensor(cell);
}

Tensor Recording::parameter(ir::Type type, std::string_view name) { return leave(graph_->add_parameter(type, name)); }

/// An effect (print, check) runs when it is recorded: nobody may ever look at a value behind it.
std::optional<capture::Reason> Recording::due() const {
  if (kind_ != Kind::Lazy || holds != 0 || graph_->nodes().empty()) return std::nullopt;
  const ir::Node& last = *graph_->nodes().back();
  if (last.op && last.op->effect == ir::Effect::Ordered) return capture::Reason::Effect;
  // What was counted has its shape when it is there, as every other tensor outside of a trace.
  if (graph_->has_counts()) return capture::Reason::Count;
  if (cells_.empty()) return std::nullopt;
  if (policy == FlushPolicy::Sync) return capture::Reason::Policy;
  if (graph_->nodes().size() > kMostPendingNodes) return capture::Reason::Limit;
  return std::nullopt;
}

std::vector<int> Recording::dying_captures() const {
  std::vector<int> dying;
  for (size_t i = 0; i < captures_.size(); ++i) {
    const Cell& cell = *captures_[i].outside.cell();
    if (cell.references.load(std::memory_order_acquire) == 1 && runtime::is_own_memory(cell.array.storage()))
      dying.push_back(i);
  }
  return dying;
}

std::vector<HostArray> Recording::run(const std::shared_ptr<ir::Graph>& graph, std::span<const int> dying) const {
  std::vector<HostArray> arguments;
  for (const Capture& capture : captures_) arguments.push_back(capture.outside.cell()->array);
  for (const int i : dying) captures_[i].outside.cell()->array = HostArray();
  try {
    return lazy::run(graph, std::move(arguments), dying);
  } catch (...) {
    for (const int i : dying) captures_[i].outside.cell()->array = arguments[i];
    throw;
  }
}

namespace {

std::vector<ir::Value> values_of(const std::vector<Cell*>& cells) {
  std::vector<ir::Value> values;
  for (const Cell* c : cells) values.push_back(c->value);
  return values;
}

/// Their arrays from now on.
void make_concrete(const std::vector<Cell*>& cells, std::vector<HostArray>&& arrays) {
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i]->recording = nullptr;
    cells[i]->array = std::move(arrays[i]);
  }
}

}  // namespace

void Recording::flush(capture::Reason reason, Source at) {
  capture::note_flush(reason, at, graph_->nodes().size());
  std::vector<Cell*> live;
  for (Cell* c : cells_)
    if (c) live.push_back(c);
  graph_->set_results(values_of(live));
  try {
    make_concrete(live, run(graph_, dying_captures()));
  } catch (const base::Error& error) {
    if (ops::is_value_check(error)) settle(live);
    keep_only(live);
    throw;
  } catch (...) {
    keep_only(live);
    throw;
  }
  keep_only({});
}

void Recording::settle(std::vector<Cell*>& live) {
  std::vector<Cell*> pending;
  std::vector<std::pair<std::set<uint32_t>, std::shared_ptr<const base::Error>>> refused;
  for (const lazy::CheckGroup& group : lazy::group_by_checks(*graph_, values_of(live))) {
    std::vector<Cell*> cells;
    for (const size_t i : group.values) cells.push_back(live[i]);
    std::shared_ptr<const base::Error> failure;
    for (const auto& [checks, error] : refused)
      if (std::ranges::includes(group.checks, checks)) failure = error;
    try {
      if (!failure) make_concrete(cells, run(ir::copy_graph_with_results(*graph_, values_of(cells))));
    } catch (const base::Error& error) {
      if (ops::is_value_check(error))
        refused.emplace_back(group.checks, failure = std::make_shared<const base::Error>(error));
      else
        pending.insert(pending.end(), cells.begin(), cells.end());
    }
    if (!failure) continue;
    for (Cell* c : cells) {
      c->recording = nullptr;
      c->failure = failure;
    }
  }
  live = std::move(pending);
}

void Recording::keep_only(const std::vector<Cell*>& live) {
  const std::shared_ptr<ir::Graph> before = std::move(graph_);
  graph_ = live.empty() ? std::make_shared<ir::Graph>() : ir::copy_graph_with_results(*before, values_of(live));
  cells_ = live;
  for (size_t i = 0; i < live.size(); ++i) {
    live[i]->slot = i;
    live[i]->value = graph_->results()[i];
  }
  graph_->set_results({});
  captured_.clear();
  if (live.empty()) {
    captures_.clear();
    return;
  }
  for (size_t i = 0; i < captures_.size(); ++i) {
    captures_[i].parameter = graph_->parameter(i);
    captured_.emplace(captures_[i].outside.cell(), captures_[i].parameter);
  }
}

void Recording::peek(Cell* cell) { cell->array = run(ir::copy_graph_with_results(*graph_, {&cell->value, 1}))[0]; }

TraceScope::TraceScope() : recording_(Recording::Kind::Trace), before_(innermost) { innermost = &recording_; }
TraceScope::~TraceScope() { innermost = before_; }

void set_flush_policy(FlushPolicy p) {
  ops::require_choice("set_flush_policy", "policy", p, 2);
  policy = p;
}
FlushPolicy flush_policy() { return policy; }

NameScope::NameScope(std::string_view name) : before_(name_path) {
  name_path = ir::intern(before_ && *before_ ? std::string(before_) + "." + std::string(name) : std::string(name));
}
NameScope::~NameScope() { name_path = before_; }

LineScope::LineScope(Source at) : before_(line_of_scope) {
  if (!before_.file) line_of_scope = at;
}
LineScope::~LineScope() { line_of_scope = before_; }
Source user_line(Source at) { return line_of_scope.file ? line_of_scope : at; }

PathScope::PathScope(const char* interned_path) : before_(name_path) {
  if (interned_path) name_path = interned_path;
}
PathScope::~PathScope() { name_path = before_; }

}  // namespace strata

namespace strata::ops {

HandleTraits<Tensor>::Recording::Recording(Source at, const Tensor*)
    : recording_(&recording_detail::Recording::current()) {
  is_outermost_ = recording_->open_ops++ == 0;
  graph_ = &recording_->graph();
  if (!is_outermost_) return;
  at_ = user_line(at);
  graph_->set_location({at_.file, at_.line, name_path});
}

/// The flush waits until all results of the op have their handles: those without one would be lost.
HandleTraits<Tensor>::Recording::~Recording() noexcept(false) {
  --recording_->open_ops;
  if (!is_outermost_) return;
  graph_->set_location({});
  if (std::uncaught_exceptions() > 0) return;
  if (const auto reason = recording_->due()) recording_->flush(*reason, at_);
}

Value HandleTraits<Tensor>::enter(Recording& recording, const Tensor& x) { return recording.recording_->enter(x); }

Tensor HandleTraits<Tensor>::leave(Recording& recording, Value x) { return recording.recording_->leave(x); }

}  // namespace strata::ops
