// Programs as tests write them down: as text, or node by node.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"

namespace strata::compiler {

/// Throws what is wrong with the text.
inline std::shared_ptr<ir::Graph> parsed(std::string_view text) {
  return ir::parse_graph(text, ops::op_table()).value();
}

inline ir::Type f32(const std::vector<ir::Dim>& shape) { return ir::Type::of(ir::DType::f32, shape); }

}  // namespace strata::compiler
