#include "strata/compiler/plan/make_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/plan/command_order.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ops/control/fusion.h"
#include "strata/ops/creation/creation.h"
#include "strata/runtime/execute/region_loops.h"

namespace strata::compiler {

using ir::CommandKind;
using ir::Node;
using ir::Plan;
using ir::PlanBuffer;
using ir::PlanBufferKind;
using ir::PlanCommand;
using ir::Value;

namespace {

class PlanMaker {
 public:
  explicit PlanMaker(const PlanRequest& request)
      : request_(request), graph_(*request.graph), buffer_of_(graph_.nodes().size()) {
    plan_.name = graph_.name();
    plan_.graph = request.graph;
    plan_.kernels = request.kernel_names;
    plan_.entry = request.entry;
    plan_.prologue = request.prologue;
  }

  std::shared_ptr<const Plan> make() {
    collect_dims(graph_);
    for (size_t i = 0; i < graph_.parameters().size(); ++i)
      plan_.arguments.push_back(add_buffer(graph_.parameter(i), PlanBufferKind::Argument, i));
    add_nodes();
    find_users();
    find_finite_results();
    join_updates();
    place_results();
    settle_updates();
    find_lifetimes();
    for (size_t c = 0; c < plan_.commands.size(); ++c) reuse_in_place(c);
    find_lifetimes();
    return std::make_shared<const Plan>(std::move(plan_));
  }

 private:
  /// Every symbol that a command may ask for: of types, of attributes, and of what stands inside fusions.
  void collect_dims(const ir::Graph& graph) {
    for (const Node* node : graph.nodes()) {
      for (ir::Type t : node->types())
        for (ir::Dim d : t.shape()) d.collect_symbols(plan_.dims);
      for (const ir::Attr& a : node->attrs.all())
        if (a.kind == ir::AttrKind::Dims)
          for (ir::Dim d : a.as_dims()) d.collect_symbols(plan_.dims);
      if (!node->is_parameter() && node->op == &ops::kFusion) collect_dims(node->region(0));
    }
  }

  int add_buffer(Value v, PlanBufferKind kind, int index, int root = -1) {
    const int id = plan_.buffers.size();
    plan_.buffers.push_back({v.type(), kind, index, root < 0 ? id : root, -1, -1});
    auto& slots = buffer_of_[v.node->id];
    if (slots.size() < v.node->result_count) slots.resize(v.node->result_count, -1);
    slots[v.index] = id;
    return id;
  }
  int buffer(Value v) const { return buffer_of_[v.node->id][v.index]; }
  int root(int b) const { return plan_.buffers[b].root; }

  void add_nodes() {
    const ir::CountBounds counts(graph_);
    const std::vector<bool> live = live_nodes(graph_);
    std::vector<const Node*> nodes;
    std::vector<bool> fails(graph_.nodes().size());
    for (const Node* node : graph_.nodes()) {
      if (!live[node->id] || node->is_parameter()) continue;
      nodes.push_back(node);
      // What a count leaves empty is refused, or computed in memory that is taken then.
      fails[node->id] = !needs_no_command(*node) &&
                        (can_fail(*node, request_.kernels.contains(node->id)) || counts.is_mentioned_by(*node));
    }
    for (const ir::FiniteResult& f : request_.finite)
      if (const Value v = graph_.results()[f.result]; ir::is_float(v.type().dtype()))
        fails[written_value(v).node->id] = true;
    std::vector<int> updated(graph_.nodes().size(), -1);
    for (const auto& [id, use] : request_.kernels) updated[id] = use.update.operand;
    if (!request_.is_ordered)
      nodes = order_commands({graph_, nodes, fails, request_.donations, updated, ir::counts_before(graph_)});
    for (const Node* node : nodes) {
      add_node(*node);
      if (!needs_no_command(*node)) plan_.commands.back().can_fail = fails[node->id];
    }
  }

  bool is_alias(const Node& node) const {
    return !request_.kernels.contains(node.id) && node.op != &ops::kConstant && form_of(node) == Form::Alias;
  }
  bool needs_no_command(const Node& node) const { return node.op == &ops::kConstant || is_alias(node); }

  void add_node(const Node& node) {
    if (node.op == &ops::kConstant) {
      add_buffer(node.result(), PlanBufferKind::Constant, plan_.constants.size());
      plan_.constants.push_back(node.attrs.array("value"));
      return;
    }
    const auto use = request_.kernels.find(node.id);
    if (is_alias(node)) {
      const int from = buffer(node.operand(0));
      add_buffer(node.result(), plan_.buffers[from].kind, plan_.buffers[from].index, root(from));
      return;
    }
    PlanCommand command;
    command.node = &node;
    for (const Value& v : node.operands()) command.reads.push_back(buffer(v));
    for (uint32_t i = 0; i < node.result_count; ++i)
      command.writes.push_back(add_buffer(node.result(i), PlanBufferKind::Arena, -1));
    if (use != request_.kernels.end()) {
      command.kernel = use->second.kernel;
      command.variants = use->second.variants;
      if (node.op->cost) command.cost = node.op->cost.fn(node);
      if (use->second.update.node) mark_update(node, use->second.update, command);
      if (!(use->second.workspace_bytes == ir::Dim(0))) add_workspace(use->second.workspace_bytes, command);
    } else {
      command.kind = CommandKind::Host;
      for (const ir::GraphRef& region : node.regions()) {
        command.regions.push_back(plan_.regions.size());
        plan_.regions.push_back(request_.regions.at(region.get()));
      }
    }
    plan_.commands.push_back(std::move(command));
  }

  void add_workspace(ir::Dim bytes, PlanCommand& command) {
    const int id = plan_.buffers.size();
    plan_.buffers.push_back({ir::Type::of(ir::DType::u8, {bytes}), PlanBufferKind::Arena, -1, id, -1, -1});
    bytes.collect_symbols(plan_.dims);
    command.writes.push_back(id);
  }

  static void mark_update(const Node& node, const UpdateInKernel& update, PlanCommand& command) {
    command.updates = update.operand;
    command.must_be_in_place = update.node->attrs.flag("in_place");
    if (update.node == &node || !update.node->op->cost) return;
    // Of a fusion: what it touches, not all of what it updates.
    command.cost.bytes = update.node->op->cost.fn(*update.node).bytes;
    for (int i = 0; i < std::ssize(node.operands()); ++i)
      if (i != update.operand) command.cost.bytes = command.cost.bytes + node.operands()[i].type().bytes();
  }

  /// The buffers of each root, the command that writes it and the last one that reads it, by its number (-1: none).
  void find_users() {
    members_.assign(plan_.buffers.size(), {});
    writer_.assign(plan_.buffers.size(), -1);
    last_read_.assign(plan_.buffers.size(), -1);
    for (size_t b = 0; b < plan_.buffers.size(); ++b) members_[root(b)].push_back(b);
    for (size_t c = 0; c < plan_.commands.size(); ++c) {
      for (int r : plan_.commands[c].reads) last_read_[root(r)] = c;
      for (int w : plan_.commands[c].writes)
        if (int& writer = writer_[root(w)]; writer < 0) writer = c;
    }
  }
  /// What is looked at is a value that a command writes, or that was given: then before anything runs.
  void find_finite_results() {
    for (ir::FiniteResult f : request_.finite) {
      const Value v = graph_.results()[f.result];
      if (!ir::is_float(v.type().dtype())) continue;
      f.buffer = buffer(v);
      f.command = writer_[root(f.buffer)];
      if (f.command >= 0) plan_.commands[f.command].can_fail = true;
      plan_.finite.push_back(std::move(f));
    }
  }

  /// Gives what is updated in a place of the arena the same memory. What is updated in an argument waits for its
  /// donation.
  void join_updates() {
    std::vector<int> result_of(plan_.buffers.size(), -1);
    for (size_t r = graph_.results().size(); r-- > 0;) result_of[root(buffer(graph_.results()[r]))] = r;
    for (int c = 0; c < std::ssize(plan_.commands); ++c) {
      PlanCommand& command = plan_.commands[c];
      if (command.updates < 0) continue;
      const int in = root(command.reads[command.updates]), out = command.writes[0];
      const auto reads = std::ranges::count_if(command.reads, [&](int b) { return root(b) == in; });
      if (reads > 1 || request_.kernels.at(command.node->id).update.is_read_otherwise)
        command.copied_because = "what it writes is made of it as well";
      else if (last_read_[in] > c)
        command.copied_because = fmt::format("{} still reads it", command_text(last_read_[in]));
      else if (result_of[in] >= 0)
        command.copied_because = fmt::format("result {} is its old value", result_of[in]);
      else if (plan_.buffers[in].kind == PlanBufferKind::Constant)
        command.copied_because = "it is a literal of the program";
      if (!command.copied_because.empty() || plan_.buffers[in].kind != PlanBufferKind::Arena) continue;
      take_over(out, in);
      last_read_[in] = std::max(last_read_[in], last_read_[out]);
      result_of[in] = result_of[out];
    }
  }
  /// `out` and all that shares its memory lie in that of `in` from now on.
  void take_over(int out, int in) {
    for (int member : members_[out]) {
      plan_.buffers[member].root = in;
      members_[in].push_back(member);
    }
    members_[out].clear();
  }

  /// Whether the argument's memory was donated for the buffer.
  bool is_donated_to(int argument, const PlanBuffer& b) const {
    return b.kind == PlanBufferKind::Result && std::ranges::any_of(plan_.donations, [&](const ir::Donation& d) {
             return d.argument == argument && d.result == b.index;
           });
  }
  std::string reason_of_argument(int argument) const {
    const auto kept = std::ranges::find(plan_.kept, argument, &ir::KeptArgument::argument);
    if (kept != plan_.kept.end()) return fmt::format("argument {} is kept: {}", argument, kept->reason);
    const std::string_view name = graph_.parameter_name(argument);
    return fmt::format("argument {}{} is not donated", argument, name.empty() ? "" : fmt::format(" ({})", name));
  }

  /// What is left: updates of arguments. Then all copies are known.
  void settle_updates() {
    for (PlanCommand& command : plan_.commands) {
      if (command.updates < 0) continue;
      const PlanBuffer& in = plan_.buffers[root(command.reads[command.updates])];
      if (command.copied_because.empty() && in.kind == PlanBufferKind::Argument &&
          !is_donated_to(in.index, plan_.buffers[command.writes[0]]))
        command.copied_because = reason_of_argument(in.index);
      if (command.must_be_in_place && !command.copied_because.empty()) refuse_copy(command);
    }
  }
  [[noreturn]] void refuse_copy(const PlanCommand& command) const {
    const Node& update = *request_.kernels.at(command.node->id).update.node;
    base::Error error(base::code::kUpdateWouldCopy, fmt::format("{}: {} must be written in place, but {}", plan_.name,
                                                                update.op->name, command.copied_because));
    const std::string where = update.where.str();
    if (!where.empty()) error.note("recorded at " + where);
    throw error.hint(
        "an argument is donated when the jitted function rebinds it; what still reads the old value keeps it");
  }

  /// Whether the command writes its result o where its operand i lies.
  bool writes_in_place(const PlanCommand& command, int o, int i) const {
    if (command.kind == CommandKind::Kernel) {
      const auto& pairs = request_.kernels.at(command.node->id).in_place;
      return std::ranges::find(pairs, std::pair(o, i)) != pairs.end() || (command.updates == i && o == 0);
    }
    // A loop whose step writes a carry in place.
    const auto is_pair = [&](const ir::Donation& d) { return d.result == o && d.argument == i; };
    return command.kind == CommandKind::Host && !runtime::carry_donations(*command.node).empty() &&
           std::ranges::any_of(plan_.regions[command.regions.back()]->donations, is_pair);
  }

  /// Whether command c may write output buffer `out` over input root `in`.
  bool may_write_over(int c, int out, int in) const {
    const PlanCommand& command = plan_.commands[c];
    int found = 0;
    bool allowed = false;
    for (int i = 0; i < std::ssize(command.reads); ++i) {
      if (root(command.reads[i]) != in) continue;
      ++found;
      for (int o = 0; o < std::ssize(command.writes); ++o)
        allowed = allowed || (command.writes[o] == out && writes_in_place(command, o, i));
    }
    return found == 1 && allowed && plan_.buffers[in].type.bytes() == plan_.buffers[out].type.bytes();
  }

  void place_results() {
    find_kept_reasons();
    for (size_t r = 0; r < graph_.results().size(); ++r) {
      const int index = r;
      const int b = buffer(graph_.results()[r]);
      const PlanBuffer from = plan_.buffers[b];
      const bool is_free = plan_.buffers[from.root].kind == PlanBufferKind::Arena;
      donate(index, from, is_free);
      if (is_free) {
        for (int member : members_[from.root]) {
          plan_.buffers[member].kind = PlanBufferKind::Result;
          plan_.buffers[member].index = index;
        }
        plan_.results.push_back(b);
        continue;
      }
      // The memory is an argument, a literal or another result: copied at the end.
      const int copy = plan_.buffers.size();
      plan_.buffers.push_back({from.type, PlanBufferKind::Result, index, copy, -1, -1});
      plan_.results.push_back(copy);
      copies_.push_back({.kind = CommandKind::Copy, .reads = {b}, .writes = {copy}, .node = graph_.results()[r].node});
    }
    plan_.commands.insert(plan_.commands.end(), copies_.begin(), copies_.end());
  }

  /// What decides whether a donation is taken, for all of them at once.
  void find_kept_reasons() {
    donations_of_.assign(graph_.results().size(), {});
    for (const ir::Donation& d : request_.donations) donations_of_[d.result].push_back(d);
    first_result_.assign(plan_.buffers.size(), -1);
    for (size_t r = graph_.results().size(); r-- > 0;) first_result_[root(buffer(graph_.results()[r]))] = r;
    next_failure_.assign(plan_.commands.size() + 1, -1);
    for (int c = std::ssize(plan_.commands); c-- > 0;)
      next_failure_[c] = plan_.commands[c].can_fail ? c : next_failure_[c + 1];
  }

  /// Gives result `index` the memory of the argument that was donated to it, or says why not.
  void donate(int index, const PlanBuffer& from, bool is_free) {
    for (const ir::Donation& d : donations_of_[index]) {
      if (!(graph_.parameters()[d.argument]->type() == from.type)) continue;
      const std::string reason = from.kind == PlanBufferKind::Argument ? "the result is an argument as it came"
                                 : is_free                             ? reason_to_keep(d, from.root)
                                                                       : reason_at_end(d);
      if (reason.empty())
        plan_.donations.push_back(d);
      else
        plan_.kept.push_back({d.result, d.argument, reason});
    }
  }

  /// Copies at the end are made in the order of the results.
  std::string reason_at_end(const ir::Donation& donation) const {
    const int r = first_result_[plan_.arguments[donation.argument]];
    return r < 0 ? "" : fmt::format("result {} is its old value", r);
  }

  std::string reason_to_keep(const ir::Donation& donation, int result_root) const {
    if (std::string reason = reason_at_end(donation); !reason.empty()) return reason;
    const int argument = plan_.arguments[donation.argument];
    const int writer = writer_[result_root], reader = last_read_[argument];
    if (reader > writer || (reader == writer && !may_write_over(writer, result_root, argument)))
      return fmt::format("{} still reads it when the result is written", command_text(reader));
    const int failure = next_failure_[writer];
    return failure < 0 ? "" : fmt::format("{} can fail when the result is written", command_text(failure));
  }
  std::string command_text(int c) const {
    const Node& node = *plan_.commands[c].node;
    std::string where = node.where.str();
    std::ranges::replace(where, '"', '\'');  // the reason stands in quotes in the plan's text
    return fmt::format("command {} ({}{}{})", c, node.op->name, where.empty() ? "" : " at ", where);
  }

  void find_lifetimes() {
    for (PlanBuffer& b : plan_.buffers) b.first = b.last = -1;
    for (size_t c = 0; c < plan_.commands.size(); ++c)
      for (const auto* list : {&plan_.commands[c].reads, &plan_.commands[c].writes})
        for (int b : *list) {
          PlanBuffer& owner = plan_.buffers[root(b)];
          if (owner.first < 0) owner.first = c;
          owner.last = c;
        }
  }

  /// Copies at the end, which place_results() adds, have no member of their own here: nothing reuses them.
  void reuse_in_place(int c) {
    if (plan_.commands[c].updates >= 0) return;
    const std::vector<int> writes = plan_.commands[c].writes, reads = plan_.commands[c].reads;
    std::vector<int> taken;  // also by results that nobody reads, whose memory is free again behind the command
    for (int out : writes) {
      if (plan_.buffers[out].kind != PlanBufferKind::Arena || root(out) != out) continue;
      for (int read : reads) {
        const int in = root(read);
        if (plan_.buffers[in].kind != PlanBufferKind::Arena || plan_.buffers[in].last != c ||
            std::ranges::find(taken, in) != taken.end() || !may_write_over(c, out, in))
          continue;
        take_over(out, in);
        taken.push_back(in);
        plan_.buffers[in].last = plan_.buffers[out].last;
        break;
      }
    }
  }

  const PlanRequest& request_;
  const ir::Graph& graph_;
  Plan plan_;
  std::vector<std::vector<int>> buffer_of_;
  std::vector<PlanCommand> copies_;
  std::vector<std::vector<int>> members_;
  std::vector<int> writer_, last_read_;
  std::vector<std::vector<ir::Donation>> donations_of_;  ///< by result
  std::vector<int> first_result_;                        ///< by root: the first result in its memory; -1: none
  std::vector<int> next_failure_;                        ///< by command: the first from it on that can fail; -1: none
};

}  // namespace

std::shared_ptr<const Plan> make_plan(const PlanRequest& request) { return PlanMaker(request).make(); }

}  // namespace strata::compiler
