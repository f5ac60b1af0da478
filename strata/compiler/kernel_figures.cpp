#include "strata/compiler/kernel_figures.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "strata/ir/graph/describe.h"
#include "strata/ir/graph/op.h"

namespace strata::compiler {
namespace {

class Stopwatch {
 public:
  void look(const runtime::CommandAtWork& at) {
    const ir::Plan& plan = at.program.plan();
    const ir::PlanCommand& command = plan.commands[at.command];
    if (command.kind != ir::CommandKind::Kernel) return at.run();
    const auto start = std::chrono::steady_clock::now();
    at.run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    const std::string& name = plan.kernels[command.kernel];
    const auto [known, is_new] = place_.emplace(name, figures.size());
    if (is_new) {
      figures.push_back({.kernel = name, .content = ir::ops_within(*command.node)});
    }
    KernelFigure& figure = figures[known->second];
    ++figure.runs;
    figure.operations += static_cast<double>(at.dims(command.cost.flops));
    figure.bytes += static_cast<double>(at.dims(command.cost.bytes));
    figure.seconds += taken.count();
  }

  std::vector<KernelFigure> figures;

 private:
  std::map<std::string, size_t> place_;
};

}  // namespace

std::vector<KernelFigure> measure_kernels(const runtime::Executable& program,
                                          const std::vector<ir::HostArray>& arguments, int rounds) {
  std::vector<std::vector<double>> seconds;
  std::vector<KernelFigure> figures;
  for (int round = -1; round < std::max(1, rounds); ++round) {
    Stopwatch watch;
    program.run_looking(arguments, [&](const runtime::CommandAtWork& at) { watch.look(at); });
    figures = std::move(watch.figures);
    seconds.resize(figures.size());
    if (round < 0) continue;
    for (size_t i = 0; i < figures.size(); ++i) seconds[i].push_back(figures[i].seconds);
  }
  for (size_t i = 0; i < figures.size(); ++i) {
    std::ranges::nth_element(seconds[i], seconds[i].begin() + seconds[i].size() / 2);
    figures[i].seconds = seconds[i][seconds[i].size() / 2];
  }
  return figures;
}

}  // namespace strata::compiler
