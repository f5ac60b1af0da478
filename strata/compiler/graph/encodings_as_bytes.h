// Movements of encoded arrays become movements of their bytes: behind this pass only decode, encode, products and the
// two ops between blocks and bytes know of encodings.
//
//   %1 = slice %w {...} : q4_0[8,64]   ->   %1 = encoded_bytes %w : u8[8,2,18]    %2 = slice %1 {...} : u8[4,2,18]
//                                           %3 = from_encoded_bytes %2 {...} : q4_0[4,64]
#pragma once

#include <memory>

#include "strata/ir/graph/graph.h"

namespace strata::compiler {

std::unique_ptr<ir::Graph> encodings_as_bytes(const ir::Graph& graph);

}  // namespace strata::compiler
