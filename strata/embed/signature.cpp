#include "strata/embed/signature.h"

#include <algorithm>

namespace strata::embed {

Signature signature_of(const runtime::Executable& program,
                       const std::function<bool(std::string_view parameter)>& is_embedded) {
  Signature signature;
  const ir::Plan& plan = program.plan();
  const auto recorded = program.origin().recorded();
  for (size_t i = 0; i < plan.given_arguments(); ++i) {
    const std::string_view name = recorded->parameter_name(static_cast<int>(i));
    if (is_embedded(name)) continue;
    const ir::Type type = plan.buffers[plan.arguments[i]].type;
    signature.inputs.push_back({i, std::string(name), type});
    for (ir::Dim d : type.shape()) {
      std::vector<std::string> found;
      d.collect_symbols(found);
      for (std::string& s : found)
        if (std::ranges::find(signature.symbols, s) == signature.symbols.end())
          signature.symbols.push_back(std::move(s));
    }
  }
  for (const int r : plan.results) signature.outputs.push_back(plan.buffers[r].type);
  return signature;
}

}  // namespace strata::embed
