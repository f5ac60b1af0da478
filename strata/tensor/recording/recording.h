// The program that a thread is recording, and the cells through which tensors refer to it.
//
//   Tensor --> Cell --> | array           (concrete)
//                       | value of a Recording (recorded; becomes concrete when a lazy recording is flushed)
//                       | failure         (a check refused what it is computed from)
//                       | nothing         (its trace has ended)
//
// A lazy recording is the thread's default; its outputs are the values that still have a handle when it is flushed. A
// trace (jit, bodies of control flow) is stacked on top of it and ends as a graph. A cell from outside that is used in
// a recording becomes a parameter, once: a capture.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/ir/graph/graph.h"
#include "strata/tensor/capture/log.h"
#include "strata/tensor/tensor.h"

namespace strata::recording_detail {

struct Cell {
  std::atomic<uint32_t> references{1};
  Recording* recording = nullptr;  ///< null: concrete, or ended
  uint32_t slot = 0;               ///< in Recording::cells
  ir::Value value;
  HostArray array;
  std::shared_ptr<const base::Error> failure;  ///< of the run that should have made it concrete

  bool is_concrete() const { return array.storage() != nullptr; }
};

void release(Cell* cell) noexcept;

/// Of a cell without a recording or an array, for use or a look: throws its failure, or E0502.
[[noreturn]] void refuse_ended(const Cell& cell, const char* what);

class Recording {
 public:
  enum class Kind : uint8_t { Lazy, Trace };
  explicit Recording(Kind kind);
  /// Cells that still stand for values here become Ended.
  ~Recording();
  Recording(const Recording&) = delete;

  /// The innermost of this thread.
  static Recording& current();

  Kind kind() const { return kind_; }
  ir::Graph& graph() { return *graph_; }
  /// Gives the graph away, at the end of a trace.
  std::shared_ptr<ir::Graph> take_graph() { return std::move(graph_); }

  /// The value of a tensor here: recorded here, or captured as a parameter.
  ir::Value enter(const Tensor& x);
  Tensor leave(ir::Value value);
  /// A tensor that stands for a new parameter (which is not a capture).
  Tensor parameter(ir::Type type, std::string_view name);

  struct Capture {
    Tensor outside;
    ir::Value parameter;
  };
  const std::vector<Capture>& captures() const { return captures_; }

  /// Why the flush policy asks for a flush now, if it does.
  std::optional<capture::Reason> due() const;
  /// Runs a lazy recording: every cell that still has a handle becomes concrete. If the run fails, only what needs a
  /// refused value is lost: it keeps the error. All else stays or becomes concrete. The reason is for reports.
  void flush(capture::Reason reason, Source at);
  /// Computes one value and keeps the recording as it is, for looks in the middle of a derivative.
  void peek(Cell* cell);
  void forget(Cell* cell) { cells_[cell->slot] = nullptr; }
  /// Depth of nested op functions under way: a flush in the middle of one would lose its values.
  int open_ops = 0;
  /// Derivatives under way, which need the graph whole.
  int holds = 0;

 private:
  friend class TraceScope;
  /// Captures that nobody else holds, in memory that a run has made: its results may take it.
  std::vector<int> dying_captures() const;
  /// The arrays of dying captures are gone afterwards, unless it throws.
  std::vector<HostArray> run(const std::shared_ptr<ir::Graph>& graph, std::span<const int> dying = {}) const;
  /// After a check refused a value: computes the cells by groups of those that need the same checks.
  void settle(std::vector<Cell*>& live);
  /// Begins anew with these cells, without the effects.
  void keep_only(const std::vector<Cell*>& live);

  Kind kind_;
  std::shared_ptr<ir::Graph> graph_;
  std::vector<Cell*> cells_;  ///< that stand for values here; null: gone
  std::vector<Capture> captures_;
  std::unordered_map<const Cell*, ir::Value> captured_;
};

/// Stacks a trace on the thread's recordings for a scope.
class TraceScope {
 public:
  TraceScope();
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  Recording& recording() { return recording_; }

 private:
  Recording recording_;
  Recording* before_;
};

}  // namespace strata::recording_detail
