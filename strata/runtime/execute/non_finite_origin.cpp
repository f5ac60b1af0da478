#include "strata/runtime/execute/non_finite_origin.h"

#include <cmath>
#include <span>

#include "strata/ir/graph/describe.h"
#include "strata/ir/graph/op.h"
#include "strata/runtime/execute/finite.h"

namespace strata::runtime {

using ir::HostArray;

namespace {

/// The first such element; -1: none.
int64_t first_such(const HostArray& a, NonFinite kind) {
  const int64_t first = first_not_finite(a.data(), a.dtype(), a.elements());
  if (first < 0 || kind == NonFinite::NanOrInfinity) return first;
  for (int64_t i = first; i < a.elements(); ++i)
    if (std::isnan(a.get(i))) return i;
  return -1;
}

bool has_such(std::span<const HostArray> arrays, NonFinite kind) {
  for (const HostArray& a : arrays)
    if (!a.is_encoded() && first_such(a, kind) >= 0) return true;
  return false;
}

/// The op of a kernel that made the first such value: a fusion is interpreted op by op.
std::string culprit(const ir::Node& node, std::span<const HostArray> operands, const ir::DimBinding& dims,
                    NonFinite kind) {
  std::string found;
  ir::InterpretOptions options;
  options.observe = [&](const ir::Node& inner, std::span<const HostArray> results) {
    if (found.empty() && has_such(results, kind)) found = ir::op_at(inner);
  };
  if (node.regions().size() == 1) ir::interpret_node(node, operands, dims, options);
  return found.empty() ? ir::op_at(node) : found;
}

class Search {
 public:
  explicit Search(NonFinite kind) : kind_(kind) {}

  void look(const CommandAtWork& at) {
    const ir::PlanCommand& command = at.program.plan().commands[at.command];
    if (found || command.kind == ir::CommandKind::Copy) return at.run();
    std::vector<HostArray> operands;  // copies: the command may write to them
    for (const HostArray& a : at.views(command.reads)) operands.push_back(a.clone());
    at.run();
    const bool came_in = has_such(operands, kind_);
    if (found || (came_in && passed_on)) return;
    const std::vector<HostArray> results = at.views(command.writes);
    for (uint32_t i = 0; i < command.node->result_count; ++i) {
      if (results[i].is_encoded()) continue;
      const int64_t element = first_such(results[i], kind_);
      if (element < 0) continue;
      const bool is_kernel = command.kind == ir::CommandKind::Kernel;
      NonFiniteOrigin origin{
          at.program.plan().name,
          is_kernel ? at.program.plan().kernels[command.kernel] : std::string(command.node->op->name),
          culprit(*command.node, operands, at.dims, kind_),
          static_cast<int>(i),
          element,
          results[i].get(element),
          came_in};
      (came_in ? passed_on : found) = std::move(origin);
      return;
    }
  }

  std::optional<NonFiniteOrigin> found, passed_on;

 private:
  NonFinite kind_;
};

}  // namespace

std::optional<NonFiniteOrigin> non_finite_origin(const Executable& program, const std::vector<HostArray>& arguments,
                                                 NonFinite kind) {
  Search search(kind);
  program.run_looking(arguments, [&](const CommandAtWork& at) { search.look(at); });
  return std::move(search.found ? search.found : search.passed_on);
}

}  // namespace strata::runtime
