// A compiled program as the page of `strata explain --html`.
#pragma once

#include <memory>
#include <string>

#include "strata/compiler/explain.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/interpret.h"
#include "strata/report/html/program_page.h"

namespace strata::cli {

struct ExplainPageOptions {
  compiler::ExplainOptions explain;
  ir::DimBinding
      dims;  ///< of symbols that sizes and costs are given for; others get small extents that the facts allow
};

/// Compiles the program, for its plan, and explains it. Throws what these throw.
report::ProgramPage explain_page(const std::shared_ptr<const ir::Graph>& graph, const std::string& file,
                                 const ExplainPageOptions& options);

}  // namespace strata::cli
