#include "strata/ir/plan/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/plan/arena.h"

namespace strata::ir {
namespace {

class PlanVerifier {
 public:
  explicit PlanVerifier(const Plan& plan) : plan_(plan) {}

  /// Throws the fault as text.
  void check() {
    check_references();
    check_prologue();
    for (size_t i = 0; i < plan_.commands.size(); ++i) check_types(i);
    check_lifetimes();
    check_contents();
    check_donations();
    check_updates();
    check_counts();
    check_arena();
  }

 private:
  int count() const { return plan_.buffers.size(); }
  bool exists(int b) const { return b >= 0 && b < count(); }
  int root(int b) const { return plan_.buffers[b].root; }

  void check_references() const {
    if (!plan_.graph) throw std::string("the plan has no program");
    for (int i = 0; i < count(); ++i) {
      const PlanBuffer& b = plan_.buffers[i];
      if (!exists(b.root) || root(b.root) != b.root) throw fmt::format("b{} has no root", i);
      if (!(plan_.buffers[b.root].type.bytes() == b.type.bytes()))
        throw fmt::format("b{} and its root b{} differ in bytes", i, b.root);
      if (plan_.buffers[b.root].kind != b.kind) throw fmt::format("b{} and its root b{} differ in kind", i, b.root);
      const int64_t limit = b.kind == PlanBufferKind::Argument   ? plan_.arguments.size()
                            : b.kind == PlanBufferKind::Constant ? plan_.constants.size()
                                                                 : plan_.results.size();
      if (b.kind != PlanBufferKind::Arena && (b.index < 0 || b.index >= limit))
        throw fmt::format("b{} refers to something that isn't there", i);
    }
    for (const auto* list : {&plan_.arguments, &plan_.results})
      for (int b : *list)
        if (!exists(b)) throw std::string("an argument or result has no buffer");
    if (plan_.arguments.size() != plan_.graph->parameters().size() ||
        plan_.results.size() != plan_.graph->results().size())
      throw std::string("the program has another number of parameters or results");
    for (const Donation& d : plan_.donations)
      if (d.result < 0 || d.argument < 0 || d.result >= std::ssize(plan_.results) ||
          d.argument >= std::ssize(plan_.arguments))
        throw std::string("a donation names something that isn't there");
    for (const FiniteResult& f : plan_.finite)
      if (f.result < 0 || f.result >= std::ssize(plan_.results) || !exists(f.buffer) || f.command < -1 ||
          f.command >= std::ssize(plan_.commands) || (f.command >= 0 && !plan_.commands[f.command].can_fail))
        throw std::string("a finite result names something that isn't there");
    for (const KeptArgument& k : plan_.kept)
      if (k.result < 0 || k.argument < 0 || k.result >= std::ssize(plan_.results) ||
          k.argument >= std::ssize(plan_.arguments))
        throw std::string("a kept argument names something that isn't there");
    for (const PlanCommand& c : plan_.commands) {
      for (const auto* list : {&c.reads, &c.writes})
        for (int b : *list)
          if (!exists(b)) throw std::string("a command names a buffer that isn't there");
      for (int r : c.regions)
        if (r < 0 || r >= std::ssize(plan_.regions)) throw std::string("a command names a region that isn't there");
      const auto is_kernel = [&](int k) { return k >= 0 && k < std::ssize(plan_.kernels); };
      if (c.kind == CommandKind::Kernel && !is_kernel(c.kernel))
        throw std::string("a command names a kernel that isn't there");
      if (c.kind != CommandKind::Kernel && !c.variants.empty())
        throw std::string("a command that is no kernel has variants");
      for (const KernelVariant& v : c.variants)
        if (!is_kernel(v.kernel)) throw std::string("a variant names a kernel that isn't there");
    }
  }

  /// Each part makes one argument, of arguments that the callers give.
  void check_prologue() const {
    if (plan_.prologue.size() > plan_.arguments.size()) throw std::string("the prologue makes more than the arguments");
    for (size_t i = 0; i < plan_.prologue.size(); ++i) {
      const PlanPrologue& part = plan_.prologue[i];
      if (!part.plan || part.plan->results.size() != 1 || part.from.size() != part.plan->arguments.size())
        throw fmt::format("part {} of the prologue is no program of one result on its arguments", i);
      if (!part.plan->prologue.empty()) throw fmt::format("part {} of the prologue has a prologue", i);
      const int made = plan_.arguments[plan_.given_arguments() + i];
      if (!(type_of(*part.plan, part.plan->results[0]) == plan_.buffers[made].type))
        throw fmt::format("part {} of the prologue makes another type than that of b{}", i, made);
      for (size_t k = 0; k < part.from.size(); ++k) {
        const int a = part.from[k];
        if (a < 0 || static_cast<size_t>(a) >= plan_.given_arguments())
          throw fmt::format("part {} of the prologue reads an argument that nobody gives", i);
        if (!(type_of(*part.plan, part.plan->arguments[k]) == plan_.buffers[plan_.arguments[a]].type))
          throw fmt::format("part {} of the prologue reads argument {}, whose type is another", i, a);
        for (const Donation& d : plan_.donations)
          if (d.argument == a) throw fmt::format("part {} of the prologue reads argument {}, which is donated", i, a);
      }
    }
  }
  static Type type_of(const Plan& plan, int buffer) {
    if (buffer < 0 || buffer >= std::ssize(plan.buffers))
      throw std::string("the prologue names a buffer that isn't there");
    return plan.buffers[buffer].type;
  }

  void check_types(size_t i) const {
    const PlanCommand& c = plan_.commands[i];
    if (c.kind == CommandKind::Copy) {
      if (c.reads.size() != 1 || c.writes.size() != 1 ||
          !(plan_.buffers[c.reads[0]].type == plan_.buffers[c.writes[0]].type))
        throw fmt::format("command {} copies between different types", i);
      return;
    }
    const size_t results = c.node ? c.node->result_count : 0;
    const bool has_workspace = c.kind == CommandKind::Kernel && c.writes.size() == results + 1;
    if (!c.node || c.node->is_parameter() || c.reads.size() != c.node->operand_count ||
        (c.writes.size() != results && !has_workspace))
      throw fmt::format("command {} has other operands or results than its node", i);
    if (has_workspace && !is_workspace(c.writes[results], i))
      throw fmt::format("command {} has b{} as workspace, which is not bytes of its own", i, c.writes[results]);
    for (size_t k = 0; k < c.reads.size(); ++k)
      if (!(plan_.buffers[c.reads[k]].type == c.node->operands()[k].type()))
        throw fmt::format("command {} reads b{}, whose type is not its node's", i, c.reads[k]);
    for (size_t k = 0; k < results; ++k)
      if (!(plan_.buffers[c.writes[k]].type == c.node->types()[k]))
        throw fmt::format("command {} writes b{}, whose type is not its node's", i, c.writes[k]);
    if (c.kind == CommandKind::Host && c.regions.size() != c.node->region_count)
      throw fmt::format("command {} has other regions than its node", i);
  }

  bool is_workspace(int b, int command) const {
    const PlanBuffer& own = plan_.buffers[b];
    return own.kind == PlanBufferKind::Arena && own.root == b && own.type.dtype() == DType::u8 &&
           own.first == command && own.last == command;
  }

  void check_lifetimes() const {
    for (int i = 0; i < std::ssize(plan_.commands); ++i)
      for (const auto* list : {&plan_.commands[i].reads, &plan_.commands[i].writes})
        for (int b : *list) {
          const PlanBuffer& owner = plan_.buffers[root(b)];
          if (owner.first > i || owner.last < i)
            throw fmt::format("command {} uses b{} outside of its lifetime [{}, {}]", i, b, owner.first, owner.last);
        }
  }

  /// Follows which buffer's content each root holds. A buffer that no command writes is another shape of its root's
  /// content.
  void check_contents() const {
    constexpr int kNothing = -1, kGiven = -2;
    std::vector<bool> is_written(plan_.buffers.size());
    for (const PlanCommand& c : plan_.commands)
      for (int b : c.writes) is_written[b] = true;
    std::vector<int> content(plan_.buffers.size(), kNothing);
    for (int i = 0; i < count(); ++i)
      if (plan_.buffers[i].kind == PlanBufferKind::Argument || plan_.buffers[i].kind == PlanBufferKind::Constant)
        content[i] = kGiven;
    auto require = [&](int b, const std::string& who) {
      if (content[root(b)] == kNothing) throw fmt::format("{} reads b{} before anything is written there", who, b);
      if (is_written[b] && content[root(b)] != b) throw fmt::format("{} reads b{} after it was written over", who, b);
    };
    for (size_t i = 0; i < plan_.commands.size(); ++i) {
      const PlanCommand& c = plan_.commands[i];
      for (int b : c.reads) require(b, fmt::format("command {}", i));
      for (int b : c.writes) {
        if (plan_.buffers[b].kind == PlanBufferKind::Constant || plan_.buffers[b].kind == PlanBufferKind::Argument)
          throw fmt::format("command {} writes b{}, which is given", i, b);
        content[root(b)] = b;
      }
    }
    for (int b : plan_.results) require(b, "the caller");
  }

  /// A run that fails leaves its arguments as they were.
  void check_donations() const {
    const int first = first_donated_write(plan_);
    for (int c = first; c < std::ssize(plan_.commands); ++c)
      if (plan_.commands[c].can_fail)
        throw fmt::format("command {} can fail, and command {} has written donated memory", c, first);
  }

  /// What an update begins with lies where it writes, or is copied there; nothing else that it reads does.
  void check_updates() const {
    const std::vector<int> memory = memory_of_buffers(plan_);
    const auto memory_of = [&](int b) { return memory[b]; };
    for (size_t i = 0; i < plan_.commands.size(); ++i) {
      const PlanCommand& c = plan_.commands[i];
      if (c.updates < 0) {
        if (!c.copied_because.empty() || c.must_be_in_place)
          throw fmt::format("command {} says how it updates something, and updates nothing", i);
        continue;
      }
      if (c.kind != CommandKind::Kernel || c.writes.size() != 1 || c.updates >= std::ssize(c.reads))
        throw fmt::format("command {} updates something that isn't there", i);
      const size_t updated = c.updates;
      if (!(plan_.buffers[c.reads[updated]].type == plan_.buffers[c.writes[0]].type))
        throw fmt::format("command {} updates b{}, whose type is not that of its result", i, c.reads[updated]);
      for (size_t r = 0; r < c.reads.size(); ++r) {
        const bool is_there = memory_of(c.reads[r]) == memory_of(c.writes[0]);
        if (r != updated && is_there) throw fmt::format("command {} writes over b{}, which it reads", i, c.reads[r]);
        if (r == updated && is_there == !c.copied_because.empty())
          throw fmt::format("command {} updates b{} {}", i, c.reads[r],
                            is_there ? "in place, and copies it" : "elsewhere, and doesn't copy it");
      }
    }
    check_donated_reads(memory);
  }

  /// An argument is not read any more once its memory holds something else.
  void check_donated_reads(const std::vector<int>& memory) const {
    std::vector<bool> is_written_over(plan_.buffers.size());
    for (size_t i = 0; i < plan_.commands.size(); ++i) {
      const PlanCommand& c = plan_.commands[i];
      for (int b : c.reads)
        if (plan_.buffers[b].kind == PlanBufferKind::Argument && is_written_over[root(b)])
          throw fmt::format("command {} reads b{} after its donated memory was written over", i, b);
      for (int b : c.writes) is_written_over[memory[b]] = true;
    }
  }

  /// What a command counts is known behind it.
  void check_counts() const {
    const CountBounds counts(*plan_.graph);
    if (counts.empty()) return;
    std::set<std::string> known;
    for (size_t i = 0; i < plan_.commands.size(); ++i) {
      const PlanCommand& c = plan_.commands[i];
      if (const auto count = count_of(*c.node)) known.insert(count->symbol);
      for (const Count& count : counts.all())
        if (!known.contains(count.symbol) && CountBounds(*plan_.graph, {&count, 1}).is_mentioned_by(*c.node))
          throw fmt::format("command {} names {}, which is counted behind it", i, count.symbol);
    }
  }

  /// With some binding of the dimensions: offsets come from the layout, so this checks the layout as well.
  void check_arena() const {
    const CountBounds counts(*plan_.graph);
    std::vector<ArenaRequest> requests;
    std::vector<int> owners;
    for (int i = 0; i < count(); ++i) {
      const PlanBuffer& b = plan_.buffers[i];
      if (b.kind != PlanBufferKind::Arena || b.root != i || b.first < 0) continue;
      requests.push_back({b.first, b.last, counts.largest(b.type.bytes()).evaluate([&](std::string_view s) {
                            return std::max<int64_t>(3, plan_.graph->facts().of(s).lowest);
                          })});
      owners.push_back(i);
    }
    require_apart(requests, owners, lay_out_arena(requests));
  }

  /// Goes through the commands with what is alive, by offset: of buffers that are apart, neighbours are.
  static void require_apart(const std::vector<ArenaRequest>& requests, const std::vector<int>& owners,
                            const ArenaLayout& layout) {
    std::vector<size_t> by_first, by_last;
    for (size_t i = 0; i < requests.size(); ++i)
      if (requests[i].bytes > 0) by_first.push_back(i);
    by_last = by_first;
    std::ranges::stable_sort(by_first, {}, [&](size_t i) { return requests[i].first; });
    std::ranges::stable_sort(by_last, {}, [&](size_t i) { return requests[i].last; });
    std::map<int64_t, size_t> alive;
    auto ended = by_last.begin();
    for (size_t i : by_first) {
      for (; requests[*ended].last < requests[i].first; ++ended) alive.erase(layout.offsets[*ended]);
      const auto [at, is_new] = alive.emplace(layout.offsets[i], i);
      const auto behind = is_new ? std::next(at) : at;
      if (!is_new || (behind != alive.end() && layout.offsets[i] + requests[i].bytes > behind->first))
        throw fmt::format("b{} and b{} are alive together and overlap", owners[i], owners[behind->second]);
      if (at == alive.begin()) continue;
      const auto before = std::prev(at);
      if (before->first + requests[before->second].bytes > layout.offsets[i])
        throw fmt::format("b{} and b{} are alive together and overlap", owners[i], owners[before->second]);
    }
  }

  const Plan& plan_;
};

}  // namespace

std::optional<std::string> find_fault_outside_regions(const Plan& plan) {
  try {
    PlanVerifier(plan).check();
  } catch (const std::string& fault) {
    return fault;
  }
  return std::nullopt;
}

std::optional<std::string> find_plan_fault(const Plan& plan) {
  if (auto fault = find_fault_outside_regions(plan)) return fault;
  for (const auto& region : plan.regions)
    if (const auto fault = find_plan_fault(*region)) return fmt::format("in region {}: {}", region->name, *fault);
  for (const PlanPrologue& part : plan.prologue)
    if (const auto fault = find_plan_fault(*part.plan)) return fmt::format("in the prologue: {}", *fault);
  return std::nullopt;
}

void verify_plan(const Plan& plan) {
  if (const auto fault = find_plan_fault(plan))
    throw base::Error(base::code::kPlanRule, fmt::format("plan {}: {}", plan.name, *fault));
}

}  // namespace strata::ir
