// What the derivative of a multiplying scatter needs: for each update the product of all others at its position.
#pragma once

#include "strata/ops/facets/layout.h"

namespace strata::ops {

/// In the shape of the node's updates. No division, so that zeros and repeated positions have their derivatives, also
/// the second ones. What stands where the node drops an update means nothing.
Value product_of_other_updates(const Node& scatter);

}  // namespace strata::ops
