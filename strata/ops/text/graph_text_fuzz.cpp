// libFuzzer target of the tensor program's parser over the whole op table: no text may crash it or an op's type rule,
// and what it accepts prints, parses again with the same hash, and prints the same.
#include <cstdint>

#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/verify.h"
#include "strata/ops/list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const ir::ParseLimits limits{.region_depth = 8, .literal_bytes = 1 << 16};
  const auto graphs = ir::parse_graphs({reinterpret_cast<const char*>(data), size}, ops::op_table(), limits);
  if (!graphs.ok()) return 0;
  for (const auto& graph : *graphs) {
    if (ir::find_graph_fault(*graph)) __builtin_trap();
    const std::string text = ir::print_graph(*graph);
    const auto again = ir::parse_graph(text, ops::op_table());
    if (!again.ok() || (*again)->hash() != graph->hash() || ir::print_graph(**again) != text) __builtin_trap();
  }
  return 0;
}
