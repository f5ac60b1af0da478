// What a caller in C gives and gets: the program's parameters without those that are embedded, its results, and the
// sizes that their shapes follow from.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ir/type.h"
#include "strata/runtime/execute/executable.h"

namespace strata::embed {

struct Signature {
  struct Input {
    size_t parameter = 0;
    std::string name;  ///< the program's, maybe empty
    ir::Type type;
  };
  std::vector<Input> inputs;
  std::vector<ir::Type> outputs;
  std::vector<std::string> symbols;  ///< of the inputs' shapes, in the order in which they appear
};

Signature signature_of(const runtime::Executable& program,
                       const std::function<bool(std::string_view parameter)>& is_embedded);

}  // namespace strata::embed
