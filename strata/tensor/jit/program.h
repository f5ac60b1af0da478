// One recording of a jitted function, compiled: which calls it serves, and how its results go back.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/donation.h"
#include "strata/tensor/jit/assumptions.h"
#include "strata/tensor/recording/dim_guards.h"

namespace strata::jit_detail {

/// A result behind the returned ones: what the function put into a leaf of an argument. A tied leaf of which it made
/// different tensors gives several.
struct Rebound {
  size_t argument, leaf;
  std::vector<size_t> places;  ///< of the leaf
  int parameter = -1;          ///< of the program: what the leaf held before; -1: nothing
};

struct Program {
  /// Sizes that are known to be taken or refused.
  static constexpr size_t kMostSizes = 4096;

  base::Hash128 key;
  std::shared_ptr<const runtime::Executable> executable;
  std::shared_ptr<const ir::Graph> graph;  ///< as it was recorded
  std::vector<Tensor> captures;            ///< hidden inputs, behind the arguments' leaves
  std::vector<Rebound> rebound;            ///< in the order of the results
  std::vector<int> returned;               ///< result of each returned tensor; -1: an undefined one
  size_t returned_count = 0;
  Assumptions assumptions;
  std::vector<recording_detail::DimGuard> guards;  ///< sizes that the function asked for
  /// By sizes of the symbols, for calls that fit: why the executable refuses them, or nothing. A type rule that could
  /// prove nothing about a symbol is asked again for the numbers of a call (docs/decisions/0012), and may refuse them.
  std::unordered_map<base::Hash128, std::optional<base::Error>, base::Hash128Hasher> sizes;
  uint64_t last_call = 0;
  std::vector<ir::Type> types;   ///< of the arguments' leaves in the call that was recorded, with symbols
  size_t attempts = 1;           ///< recordings until it served as many sizes as it could
  ir::DimBinding recorded_dims;  ///< the sizes of the call that was recorded
  std::string explanation;
  std::string reason;  ///< why the recordings before did not serve the call

  /// Whether the program serves this call too.
  bool fits(const Signature& signature) const;
  /// Of a call of the program's kind that it doesn't serve: which assumption or guard does not hold.
  std::string misfit(const Signature& signature) const;
};

/// The call that is recorded.
struct CallOfSizes {
  std::span<const Argument> caller;
  const Signature& signature;
};

/// The recorded program, without its executable.
struct Trace {
  std::unique_ptr<Program> program = std::make_unique<Program>();
  std::vector<ir::Donation> donations;
  std::vector<ir::FiniteResult> finite;
  std::vector<int> constants;  ///< parameters
  transform::AlgorithmReport algorithms;
};
Trace record_under(const Assumptions& assumptions, const CallOfSizes& call, const JitOptions& options,
                   const Body& body);

/// Records and compiles, assuming as little of the sizes as the type rules and the compiler need; `assumptions` is what
/// is known to be needed. Throws what the function throws for the sizes of the call themselves.
std::unique_ptr<Program> record_program(Assumptions assumptions, const CallOfSizes& call, const JitOptions& options,
                                        const Body& body);

}  // namespace strata::jit_detail
