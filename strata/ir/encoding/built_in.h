// The formats that Strata brings, as texts (built_in.cpp).
#pragma once

#include <span>
#include <string_view>

#include "strata/ir/encoding/block_format.h"

namespace strata::ir {

struct FormatText {
  std::string_view name;
  BlockOrder order;
  std::string_view kernels;
};
std::span<const FormatText> built_in_formats();

}  // namespace strata::ir
