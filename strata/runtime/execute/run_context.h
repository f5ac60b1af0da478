// What a run of a program needs besides the program: memory between the commands and scratch of the slots. A program is
// read by any number of runs at once; a context belongs to one run at a time.
//
//   Executable::run(arguments)            takes a context that stands idle, or a new one
//   Executable::run(arguments, context)   for callers that keep one: a server's worker, a loop that counts its memory
//
// A context grows to what its largest run needed and serves every program. The regions of loops and conditions have
// their memory in a stack of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "strata/runtime/execute/stacked_memory.h"

namespace strata::runtime {

class RunContext {
 public:
  RunContext() = default;
  /// `most_slots`: threads that a run may use at most, its own included; 0: all of the pool (E0760 outside of
  /// base::kThreadCount).
  explicit RunContext(int most_slots);
  RunContext(const RunContext&) = delete;
  RunContext& operator=(const RunContext&) = delete;

  /// Memory that it holds, with that of the contexts within it.
  int64_t bytes() const;
  /// Of it, what lies between the commands: the arena of the largest run.
  int64_t arena_bytes() const { return arena_.bytes; }
  /// Gives its memory back; E0322 while a run uses it.
  void trim();

 private:
  friend class ContextUse;
  friend class Executable;

  /// At least so much, with undefined content. What it had before is gone. E0112 without memory: then it has none.
  std::byte* arena(int64_t bytes) { return provide(arena_, bytes); }
  std::byte* scratch(int64_t bytes) { return provide(scratch_, bytes); }
  /// For the regions of commands that run by their reference rule.
  RunContext& inner();

  struct Block {
    std::shared_ptr<std::byte> memory;
    int64_t bytes = 0;
  };
  static std::byte* provide(Block& block, int64_t bytes);
  /// How many slots a run may use now.
  int slots() const;

  int most_slots_ = 0;
  Block arena_, scratch_;
  StackedMemory regions_;  ///< of the control commands that run
  std::unique_ptr<RunContext> inner_;
  std::atomic<bool> is_in_use_{false};
};

/// Marks a context as in use; E0322 if it is already.
class ContextUse {
 public:
  explicit ContextUse(RunContext& context);
  ~ContextUse();
  ContextUse(const ContextUse&) = delete;

 private:
  RunContext& context_;
};

/// A context of the process that stood idle, or a new one, for as long as this lives. Threads of the process keep
/// kMostIdleContexts of them; more are given up.
class BorrowedContext {
 public:
  BorrowedContext();
  ~BorrowedContext();
  BorrowedContext(const BorrowedContext&) = delete;
  RunContext& operator*() const { return *context_; }

 private:
  std::unique_ptr<RunContext> context_;
};

inline constexpr size_t kMostIdleContexts = 16;
/// Memory of the contexts that stand idle.
int64_t idle_context_bytes();
/// Gives up the contexts that stand idle, and their memory.
void trim_idle_contexts();

}  // namespace strata::runtime
