#include "strata/compiler/plan/program_parts.h"

#include <algorithm>

namespace strata::compiler {
namespace {

std::vector<int> dim_positions(const std::vector<std::string>& kernel_dims, const std::vector<std::string>& plan_dims) {
  std::vector<int> positions;
  for (const std::string& d : kernel_dims)
    positions.push_back(std::find(plan_dims.begin(), plan_dims.end(), d) - plan_dims.begin());
  return positions;
}

}  // namespace

std::shared_ptr<const runtime::Executable> assemble(const ProgramParts& parts,
                                                    const std::shared_ptr<const ir::Plan>& plan,
                                                    const RegionPrograms& regions, runtime::OwnProgramOf own) {
  std::vector<runtime::BoundKernel> bound;
  for (const auto& [kernel, dims] : parts.kernels) {
    bound.push_back(kernel);
    bound.back().dims = dim_positions(dims, plan->dims);
  }
  std::vector<std::shared_ptr<const runtime::Executable>> programs(plan->regions.size());
  for (const ir::PlanCommand& c : plan->commands)
    for (size_t i = 0; i < c.regions.size(); ++i) programs[c.regions[i]] = regions.at(c.node->regions()[i].get());
  return std::make_shared<const runtime::Executable>(plan, std::move(bound), std::move(programs), std::move(own),
                                                     parts.origin, parts.prologue);
}

PlanRequest with_origin(const PlanRequest& request, std::shared_ptr<const ir::Graph> graph,
                        std::span<const ir::Node* const> origin) {
  PlanRequest made = request;
  made.kernels.clear();
  for (size_t id = 0; id < origin.size(); ++id) {
    if (!origin[id] || !request.kernels.contains(origin[id]->id)) continue;
    KernelUse& use = made.kernels.emplace(id, request.kernels.at(origin[id]->id)).first->second;
    if (use.update.node == origin[id]) use.update.node = graph->nodes()[id];
  }
  made.graph = std::move(graph);
  return made;
}

std::map<const ir::Graph*, std::shared_ptr<const ir::Plan>> plans_of(const RegionPrograms& regions) {
  std::map<const ir::Graph*, std::shared_ptr<const ir::Plan>> plans;
  for (const auto& [graph, program] : regions)
    plans.emplace(graph, std::shared_ptr<const ir::Plan>(program, &program->plan()));
  return plans;
}

}  // namespace strata::compiler
