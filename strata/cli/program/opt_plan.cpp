#include "strata/cli/program/opt_plan.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/cli/command.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/ops/list.h"

namespace strata::cli {

int run_on_plan(std::string_view text, const PlanOptions& options) {
  const auto plan = ir::parse_plan(text, ops::op_table()).value();
  ir::verify_plan(*plan);
  if (!options.interpret) return print_out(ir::print_plan(*plan)), 0;
  std::vector<ir::HostArray> arguments = compiler::random_arguments(*plan->graph, options.seed);
  arguments.resize(plan->given_arguments());
  for (size_t i = 0; i < std::min(arguments.size(), options.arguments.size()); ++i)
    arguments[i] = array_given(options.arguments[i]);
  ir::InterpretOptions how;
  how.print = [](const std::string& line) { print_out(line + "\n"); };
  const auto results = ir::interpret_plan(*plan, arguments, how);
  for (size_t i = 0; i < results.size(); ++i) print_out(fmt::format("result {}: {}\n", i, ir::print_array(results[i])));
  return 0;
}

}  // namespace strata::cli
