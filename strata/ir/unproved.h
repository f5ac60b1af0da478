// What type rules could not prove of symbolic dimensions, for a recorder that can record again with more known of them.
//
// A rule that needs two dimensions to be equal asks proved_equal() and throws its own error when the answer is no.
// Within an UnprovedScope the question is kept: the owner of the scope, who knows the sizes of the call that is being
// recorded, can see whether the two are equal there, and make that a condition of its program (tensor/jit).
//
// The last question of a thread is what counts: the error follows it at once. An error that was caught and forgotten
// leaves a question behind that nobody asks any more; whoever reads it can only record once too often.
#pragma once

#include <optional>
#include <span>

#include "strata/ir/dim.h"

namespace strata::ir {

/// A rule needed a == b, or, where extents of 1 stretch, one of them to be 1. With a == b: it needed a number.
struct Unproved {
  Dim a, b;
};

/// Whether a and b are equal for every binding, which their canonical form shows; keeps the question if it doesn't.
bool proved_equal(Dim a, Dim b);
/// The first pair that differs; shapes of different rank are no question.
bool proved_equal(std::span<const Dim> a, std::span<const Dim> b);
/// Keeps the question whether a and b are equal, or what number d is. Nothing is kept when numbers answer it.
void note_unproved(Dim a, Dim b);
void note_unproved(std::span<const Dim> a, std::span<const Dim> b);
void note_symbolic(Dim d);

/// How many questions this thread has kept so far, with and without a scope; and the last, if it was asked since then.
uint64_t questions_asked();
const Unproved* question_since(uint64_t before);

class UnprovedScope {
 public:
  UnprovedScope();
  ~UnprovedScope();
  UnprovedScope(const UnprovedScope&) = delete;
  const std::optional<Unproved>& last() const { return last_; }

 private:
  friend void note_unproved(Dim a, Dim b);
  std::optional<Unproved> last_;
  UnprovedScope* before_;
};

}  // namespace strata::ir
