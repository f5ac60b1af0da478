#include "strata/nn/path.h"

#include "strata/ir/graph/graph.h"

namespace strata::nn {

void Path::set(std::string_view path) { text_ = ir::intern(path); }

}  // namespace strata::nn
