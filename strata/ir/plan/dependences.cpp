#include "strata/ir/plan/dependences.h"

#include <algorithm>
#include <map>
#include <utility>

#include "strata/ir/counts/counts.h"

namespace strata::ir {

std::vector<std::vector<int>> dependences(const Plan& plan) {
  struct Uses {
    int writer = -1;
    std::vector<int> readers;  ///< since then
  };
  const std::vector<int> memory = memory_of_buffers(plan);
  std::vector<Uses> uses(plan.buffers.size());
  const auto uses_of = [&](int buffer) -> Uses& { return uses[memory[buffer]]; };
  const auto counts = counts_before(*plan.graph);
  std::map<const Node*, int> counted_by;
  std::vector<std::vector<int>> needed(plan.commands.size());
  int last_of_host = -1;
  for (int c = 0; c < std::ssize(plan.commands); ++c) {
    const PlanCommand& command = plan.commands[c];
    std::vector<int>& list = needed[c];
    for (int b : command.reads) list.push_back(uses_of(b).writer);
    for (int b : command.writes) {
      list.push_back(uses_of(b).writer);
      list.insert(list.end(), uses_of(b).readers.begin(), uses_of(b).readers.end());
    }
    if (command.kind == CommandKind::Host) list.push_back(std::exchange(last_of_host, c));
    for (int b : command.reads) uses_of(b).readers.push_back(c);
    for (int b : command.writes) uses_of(b) = {c, {}};
    if (!counts.empty())
      for (const Node* count : counts[command.node->id])
        if (const auto at = counted_by.find(count); at != counted_by.end()) list.push_back(at->second);
    if (command.node->op && command.node->op->counts) counted_by.emplace(command.node, c);
    std::ranges::sort(list);
    const auto repeated = std::ranges::unique(list);
    list.erase(repeated.begin(), repeated.end());
    std::erase_if(list, [&](int before) { return before < 0 || before == c; });
  }
  return needed;
}

}  // namespace strata::ir
