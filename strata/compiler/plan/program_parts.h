// What a program is put together from. Others can be made of the same kernels: in another sequence, with other plans
// for the regions of its loops. Nothing is compiled for that, and no bit changes.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strata/compiler/plan/known_kernel.h"
#include "strata/compiler/plan/make_plan.h"
#include "strata/runtime/execute/executable.h"

namespace strata::compiler {

/// By the region that the command's node holds.
using RegionPrograms = std::map<const ir::Graph*, std::shared_ptr<const runtime::Executable>>;

/// By the machine code that has them.
using KnownKernels = std::map<const runtime::ObjectCode*, KnownKernel>;

struct ProgramParts {
  PlanRequest request;
  std::shared_ptr<const ir::Plan> plan;  ///< what the request gives
  /// Each kernel with its dimensions by name: where those stand is the plan's.
  std::vector<std::pair<runtime::BoundKernel, std::vector<std::string>>> kernels;
  std::vector<std::shared_ptr<const runtime::Executable>> prologue;
  runtime::OwnProgram empty_axes = nullptr;
  runtime::ProgramOrigin origin;
  std::map<const ir::Graph*, std::shared_ptr<const ProgramParts>> regions;
  RegionPrograms region_programs;  ///< as the request has their plans
  KnownKernels known_kernels;      ///< those that are machine code of this machine, of regions and the prologue too
};

/// The program that runs this plan, whose regions have the plans of these programs.
std::shared_ptr<const runtime::Executable> assemble(const ProgramParts& parts,
                                                    const std::shared_ptr<const ir::Plan>& plan,
                                                    const RegionPrograms& regions, runtime::OwnProgramOf own);

/// The request for a graph whose nodes come from those of the request's: by id, null where one is new.
PlanRequest with_origin(const PlanRequest& request, std::shared_ptr<const ir::Graph> graph,
                        std::span<const ir::Node* const> origin);

/// What make_plan() is told of these regions.
std::map<const ir::Graph*, std::shared_ptr<const ir::Plan>> plans_of(const RegionPrograms& regions);

}  // namespace strata::compiler
