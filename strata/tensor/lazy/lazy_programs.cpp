#include "strata/tensor/lazy/lazy_programs.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "strata/base/recent/recent_table.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/graph/free_numbers.h"
#include "strata/compiler/graph/starts_as_numbers.h"
#include "strata/ir/graph/op.h"
#include "strata/machine/cpu_target.h"

namespace strata::lazy {
namespace {

using compiler::free_numbers;
using compiler::hash_without;
using compiler::with_parameters;
using ir::HostArray;
using Executable = std::shared_ptr<const runtime::Executable>;

/// About 60 kB each.
constexpr size_t kMostPrograms = 1024;

/// Programs that are equal but for the numbers in them.
struct Family {
  std::vector<base::Hash128> values;  ///< of the free numbers, where they didn't change
  std::vector<bool> changes;          ///< which are arguments
  Executable executable;              ///< with these as arguments; null as long as none is
};

/// A listed registry, by structure, positions, numbers and target.
struct Programs {
  std::mutex lock;
  base::RecentTable<Executable> by_graph{kMostPrograms};
  base::RecentTable<Family> families{kMostPrograms};
  std::atomic<int64_t> compiled{0};
};
Programs& programs() {
  static auto* all = new Programs;
  return *all;
}

/// The structural hash leaves positions out, but what is compiled reports them: the same ops on another line are
/// another program here. (Their kernels are shared all the same.)
base::Hash128 with_positions(base::Hash128 key, const ir::Graph& graph) {
  for (const ir::Node* node : graph.nodes()) {
    key = base::combine(key, reinterpret_cast<uintptr_t>(node->where.file));
    key = base::combine(key, reinterpret_cast<uintptr_t>(node->where.path) + node->where.line);
    for (const ir::GraphRef& region : node->regions()) key = with_positions(key, *region);
  }
  return key;
}

base::Hash128 for_this_target(base::Hash128 key) {
  return base::combine(key, base::hash_text(machine::chosen_cpu_target().name));
}

Executable compiled(const std::shared_ptr<ir::Graph>& graph) {
  ++programs().compiled;
  return compiler::compile(graph);
}

const HostArray& value_of(const ir::Node& number) { return number.attrs.array("value"); }

/// The program in which the numbers that were seen to change are arguments; null where none changes, so that this is
/// the first of its family. `arguments` gets the numbers.
Executable shared_with_other_numbers(std::shared_ptr<ir::Graph> graph, std::vector<HostArray>& arguments) {
  if (auto with_starts = compiler::with_starts_as_numbers(*graph)) graph = std::move(with_starts);
  const std::vector<const ir::Node*> numbers = free_numbers(*graph);
  if (numbers.empty()) return nullptr;
  const base::Hash128 key = for_this_target(with_positions(hash_without(*graph, numbers), *graph));
  std::vector<base::Hash128> values;
  for (const ir::Node* number : numbers) values.push_back(number->attrs.all()[0].hash());

  Family family;
  {
    const std::lock_guard hold(programs().lock);
    Family* known = programs().families.find(key);
    if (!known) {
      programs().families.keep(key, {std::move(values), std::vector<bool>(numbers.size()), nullptr});
      return nullptr;
    }
    family = *known;
  }
  bool is_wider = !family.executable;
  for (size_t i = 0; i < numbers.size(); ++i)
    if (!family.changes[i] && values[i] != family.values[i]) is_wider = family.changes[i] = true;
  std::vector<const ir::Node*> changing;
  for (size_t i = 0; i < numbers.size(); ++i)
    if (family.changes[i]) changing.push_back(numbers[i]);
  if (changing.empty()) return nullptr;
  if (is_wider) {
    family.executable = compiled(with_parameters(*graph, changing));
    const std::lock_guard hold(programs().lock);
    programs().families.keep(key, family) = family;
  }
  for (const ir::Node* number : changing) arguments.push_back(value_of(*number));
  return family.executable;
}

}  // namespace

std::vector<HostArray> run(const std::shared_ptr<ir::Graph>& graph, std::vector<HostArray>&& arguments) {
  const base::Hash128 key = for_this_target(with_positions(graph->hash(), *graph));
  Executable executable;
  {
    const std::lock_guard hold(programs().lock);
    if (const Executable* known = programs().by_graph.find(key)) executable = *known;
  }
  if (!executable) executable = shared_with_other_numbers(graph, arguments);
  if (!executable) {
    executable = compiled(graph);
    const std::lock_guard hold(programs().lock);
    programs().by_graph.keep(key, executable);
  }
  return executable->run(std::move(arguments));
}

int64_t compiled_count() { return programs().compiled; }

}  // namespace strata::lazy
