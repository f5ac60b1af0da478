#include "strata/ir/encoding/encode_array.h"

#include <algorithm>

#include "strata/ir/encoding/block_format.h"

namespace strata::ir {

HostArray encode_array(const HostArray& elements, Encoding encoding) {
  const BlockFormat& format = *encoding.format();
  HostArray blocks(encoding, elements.shape());
  const BlockWriter write(format);
  const int64_t count = elements.elements();
  for (int64_t first = 0, b = 0; first < count; first += format.elements, ++b) {
    HostArray block(format.value, {format.elements});
    for (int64_t k = 0; k < std::min(format.elements, count - first); ++k) {
      if (is_float(format.value))
        block.set(k, elements.get(first + k));
      else
        block.set_int(k, elements.get_int(first + k));
    }
    write(block.data(), blocks.data() + b * format.bytes);
  }
  return blocks;
}

}  // namespace strata::ir
