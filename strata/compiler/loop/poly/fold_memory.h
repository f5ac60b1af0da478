// Where private arrays lie: locals and scratch buffers, of which a task keeps only the elements that are alive at once.
//
// Two elements are in conflict when each is written before the last use of the other. Along each axis, outermost first,
// indices of elements in conflict are less than some m apart, and so index mod m tells them apart (successive modulo,
// Lefebvre and Feautrier 1998). Where a task touches a short range of an axis, an index counts from the range's lowest
// instead, so that vectors stay contiguous.
//
// An array that passes values from task to task, or from phase to phase, is no task's own: then the kernel is one task.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/compiler/loop/poly/bands.h"

namespace strata::compiler::poly {

struct FoldedAxis {
  enum Kind { Whole, Offset, Modulo } kind = Whole;
  int64_t extent = 0;  ///< of Offset and Modulo
  /// Of Offset: in the parameters and in the tiles of `outer`. Of Whole: where a loop's iterations begin and end, if it
  /// is an axis that a loop has brought.
  std::optional<isl::pw_aff> lowest, highest;
};

struct FoldedArray {
  int array = 0;
  size_t phase = 0;
  std::vector<FoldedAxis> axes;
};

/// The tile of an outer member as isl's parameter: "o0".
std::string outer_name(const ControlPart& part, size_t number);
/// The iterations of the tile whose coordinates are those parameters.
isl::union_set domain_of_tile(const ControlPart& part, const Phase& phase, const IslSession& isl);

/// Whether each private array belongs to one task; else the first that does not, by name.
std::string shared_array(const ControlPart& part, const std::vector<Phase>& phases, const Dependences& dependences,
                         const IslSession& isl);

/// All private arrays; axes that can't be folded are Whole.
std::vector<FoldedArray> fold_private_arrays(const ControlPart& part, const std::vector<Phase>& phases,
                                             const IslSession& isl);

}  // namespace strata::compiler::poly
