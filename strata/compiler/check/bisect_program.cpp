#include "strata/compiler/check/bisect_program.h"

#include <algorithm>

#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/error_bounds.h"
#include "strata/compiler/check/reduce_program.h"
#include "strata/compiler/program_kernels.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {

using ir::Graph;
using ir::HostArray;

namespace {

PassContext pass_context(const BisectOptions& options) {
  return {.target = &target_of(options.compile),
          .constants = options.compile.constants,
          .disabled = options.compile.disabled_passes};
}

/// The regions of loops on which the passes ran, with arguments of their own.
bool blames_pass_of_region(const Graph& graph, const BisectOptions& options, Bisection& found) {
  for (const auto& [region, finished] : finish_program(graph, options.compile).regions) {
    PassContext context = pass_context(options);
    context.constants.clear();
    found.pass =
        find_broken_pass(*finished.recorded, options.passes, random_argument_sets(*finished.recorded), context);
    if (!found.pass) continue;
    found.within = finished.recorded->name();
    return true;
  }
  return false;
}

bool blames_pass(const Graph& graph, std::span<const std::vector<HostArray>> argument_sets,
                 const BisectOptions& options, Bisection& found) {
  found.passes = std::ranges::count_if(options.passes, [&](const Pass& p) {
    return std::ranges::find(options.compile.disabled_passes, p.name) == options.compile.disabled_passes.end();
  });
  for (found.argument_set = 0; found.argument_set < argument_sets.size(); ++found.argument_set) {
    found.pass =
        find_broken_pass(graph, options.passes, argument_sets.subspan(found.argument_set, 1), pass_context(options));
    if (found.pass) return true;
  }
  found.argument_set = 0;
  return blames_pass_of_region(graph, options, found);
}

/// One set of arguments; None if all is well.
Culprit look_at_run(const std::shared_ptr<const Graph>& graph, const runtime::Executable& program,
                    const std::vector<HostArray>& arguments, const BisectOptions& options, Bisection& found) {
  KernelBisection kernels = find_wrong_kernel(program, arguments, options.reference);
  found.kernels += kernels.compared;
  if (kernels.wrong) {
    found.kernel = std::move(kernels.wrong);
    return Culprit::Kernel;
  }
  std::vector<HostArray> copies;
  for (const HostArray& a : arguments) copies.push_back(a.clone());
  const std::vector<HostArray> results = program.run(std::move(copies));
  if ((found.off = first_element_off(kernels.results, results))) return Culprit::Together;
  const ReferenceResults expected = reference_results(graph, arguments, options.reference);
  if ((found.off = first_element_off(expected.results, results, expected.bounds))) return Culprit::Roundings;
  return Culprit::None;
}

}  // namespace

Bisection bisect_program(const std::shared_ptr<const Graph>& graph,
                         std::span<const std::vector<HostArray>> argument_sets, const BisectOptions& options) {
  Bisection found;
  if (!options.reference.target && blames_pass(*graph, argument_sets, options, found)) {
    found.culprit = Culprit::Pass;
    return found;
  }
  const auto program = compile(graph, options.compile);
  for (; found.argument_set < argument_sets.size(); ++found.argument_set) {
    found.culprit = look_at_run(graph, *program, argument_sets[found.argument_set], options, found);
    if (found.culprit != Culprit::None) return found;
  }
  return found;
}

std::shared_ptr<const Graph> smallest_program(const Bisection& found, const BisectOptions& options, int runs,
                                              uint64_t seed) {
  const auto pass_fails = [&](const Graph& candidate) {
    const Pass one[] = {options.passes[found.pass->number]};
    return find_broken_pass(candidate, one, random_argument_sets(candidate, runs, seed), pass_context(options))
        .has_value();
  };
  const auto kernel_fails = [&](const Graph& candidate) {
    const std::shared_ptr<const Graph> program = ir::copy_graph(candidate);
    for (const auto& arguments : random_argument_sets(candidate, runs, seed)) {
      const ReferenceResults expected = reference_results(program, arguments, options.reference);
      const auto results = run_natively(program, arguments, options.compile);
      if (first_element_off(expected.results, results, expected.bounds)) return true;
    }
    return false;
  };
  std::shared_ptr<const Graph> program = found.pass ? found.pass->before : found.kernel->alone;
  const std::function<bool(const Graph&)> fails =
      found.pass ? std::function<bool(const Graph&)>(pass_fails) : kernel_fails;
  return fails(*program) ? reduce_program(std::move(program), fails) : program;
}

std::optional<MovingPass> find_moving_pass(const std::shared_ptr<const Graph>& graph,
                                           std::span<const std::vector<HostArray>> argument_sets,
                                           std::span<const std::string> passes, const BisectOptions& options) {
  CompileOptions how = options.compile;
  how.disabled_passes.insert(how.disabled_passes.end(), passes.begin(), passes.end());
  auto before = compile(graph, how);
  for (const std::string& pass : passes) {
    std::erase(how.disabled_passes, pass);
    const auto after = compile(graph, how);
    for (size_t i = 0; i < argument_sets.size(); ++i) {
      const auto run = [&](const runtime::Executable& program) {
        std::vector<HostArray> copies;
        for (const HostArray& a : argument_sets[i]) copies.push_back(a.clone());
        return program.run(std::move(copies));
      };
      std::vector<std::vector<double>> bounds;
      if (options.reference.allowed == Allowed::Tolerance) bounds = error_bounds(*graph, argument_sets[i], 1);
      if (const auto off = first_element_off(run(*before), run(*after), bounds)) return MovingPass{pass, i, *off};
    }
    before = after;
  }
  return std::nullopt;
}

}  // namespace strata::compiler
