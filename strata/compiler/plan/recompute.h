// What a program computes twice so that it holds less at once (Chen et al., "Training deep nets with sublinear memory
// cost", 2016, and its successors call it rematerialisation): a sequence of commands in which a kernel may come again.
//
//   a  b  c  d ... d' c' b'        b' reads a: the value of a lies idle in between, and its kernel may run again
//   a  b  c  d ... d' c' a  b'     from its second place on, a's value is the new one; the first dies behind b
//
// A kernel that runs again gives the same bits, and its machine code is there already. Sequences come as the rungs of a
// ladder that depends on the program and the sizes alone: each holds at most 19/20 of what the one before does, by
// kernels whose repetition frees most for its time. Whoever takes the first rung that fits a budget takes no more with
// a smaller budget.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/compiler/plan/command_memory.h"

namespace strata::compiler {

/// A command as the ladder sees it.
struct RepeatCost {
  bool may_repeat = false;
  double seconds = 0;                 ///< of running it once more; compared, not believed
  std::vector<int> overwritten = {};  ///< by ids, nodes behind which an argument that it reads is written over
};

struct LadderRequest {
  const ir::Graph& graph;
  std::vector<const ir::Node*> order;  ///< the commands, as they run
  const CommandMemory& memory;
  std::vector<RepeatCost> costs;  ///< by node id
};

class RecomputeLadder {
 public:
  explicit RecomputeLadder(LadderRequest request);
  ~RecomputeLadder();
  /// The sequence of the next rung; null when nothing more can be gained.
  const std::vector<const ir::Node*>* next();
  /// The largest sum of bytes alive at one command of the last rung.
  int64_t live_bytes() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// A graph with a node of its own for each place in the sequence, in that order.
struct RepeatedGraph {
  std::shared_ptr<const ir::Graph> graph;
  std::vector<const ir::Node*> origin;  ///< by node id: the node of `graph` before; null: a parameter
};
RepeatedGraph with_repeats(const ir::Graph& graph, std::span<const ir::Node* const> sequence);

}  // namespace strata::compiler
