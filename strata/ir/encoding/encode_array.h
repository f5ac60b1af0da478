// Blocks from the elements of an array, one after the other by the format's encode function.
#pragma once

#include "strata/ir/host_array.h"

namespace strata::ir {

/// Elements are converted to what the format encodes, floats rounding once; those after the end of the array are 0.
/// The other way is HostArray::decoded().
HostArray encode_array(const HostArray& elements, Encoding encoding);

}  // namespace strata::ir
