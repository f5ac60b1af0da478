// What programs compute of their weights alone: packed forms, above all. It is computed when a program first runs on a
// set of weights, kept as long as these are, and shared by all programs that want the same of the same memory.
//
//   memory of a weight, as it was written last  ->  values made of it, each by what computes it
//
// The values belong to the weights: they are given up with the memory that they were made of, and when something is
// written there (a donation, or note_written). An owner that needs the plain form no longer hands it over: its array
// keeps shape and dtype but no elements, and stands for the values alone.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/ir/host_array.h"

namespace strata::runtime {

class Executable;

/// An argument of a program that it makes of others itself, once for each set of them.
struct PreparedArgument {
  std::vector<int> from;  ///< the arguments that it is made of
  std::shared_ptr<const Executable> program;
  base::Hash128 key;  ///< of what is computed
};

/// The value for these arguments of the program: the one that is there, or a new one. E0335 if it is to be made of an
/// array that was handed over. Threads that want one at the same time wait for the first.
ir::HostArray prepared_value(const PreparedArgument& wanted, std::span<const ir::HostArray> arguments);

/// The owner has written to memory of an array: what was made of it is made again.
void note_written(const ir::HostArray& array);
/// The same for memory that is given back. Does nothing where nothing was made of it.
void forget_memory(const std::byte* memory);

/// Bytes of all values that are kept, and of those made of this array.
int64_t prepared_bytes();
int64_t prepared_bytes(const ir::HostArray& array);

/// Gives up the elements of an array of which values were made: from now on it is read in these forms alone, and a
/// program that wants another is refused (E0335). False, and nothing happens, if none was made of it, or if another
/// handle holds the memory.
bool hand_over(ir::HostArray& array);
bool is_handed_over(const ir::HostArray& array);

}  // namespace strata::runtime
