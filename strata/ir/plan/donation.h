// What is wished for and found out about single results of a program: memory that they take over, values that are
// looked at.
#pragma once

#include <string>

namespace strata::ir {

/// Result r takes over the memory of argument a, which is gone afterwards.
struct Donation {
  int result, argument;
};

/// A donation that was wished for and not made: the result has memory of its own, and the argument keeps its value to
/// the end of the run.
struct KeptArgument {
  int result, argument;
  std::string reason;
};

/// A result that is looked at before it is committed: a NaN or an infinity in it ends the run (E0318).
struct FiniteResult {
  int result;
  std::string name;  ///< "features.2.running_var"
  int buffer = -1;   ///< that holds it
  int command = -1;  ///< behind which it does; -1: it is an argument or a constant
};

}  // namespace strata::ir
