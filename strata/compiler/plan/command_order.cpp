#include "strata/compiler/plan/command_order.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "strata/compiler/lower/form.h"
#include "strata/compiler/plan/memory_order.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/nominal_size.h"
#include "strata/ops/control/value_checks.h"

namespace strata::compiler {
namespace {

using ir::Node;

std::span<const Node* const> counts_of(const OrderRequest& request, const Node& node) {
  if (request.counts.empty()) return {};
  return request.counts[node.id];
}

/// Nodes that some node which can fail needs, itself included.
std::vector<bool> needed_by_what_fails(const OrderRequest& request) {
  std::vector<bool> is_needed = request.fails;
  for (auto n = request.nodes.rbegin(); n != request.nodes.rend(); ++n) {
    if (!is_needed[(*n)->id]) continue;
    for (const ir::Value& v : (*n)->operands()) is_needed[v.node->id] = true;
    for (const Node* count : counts_of(request, **n)) is_needed[count->id] = true;
  }
  return is_needed;
}

/// By node id, the values that the node writes over: the operand of an update, and arguments that were donated to what
/// it writes.
std::vector<std::vector<uint32_t>> written_over(const OrderRequest& request) {
  std::vector<std::vector<uint32_t>> written(request.graph.nodes().size());
  for (const Node* n : request.nodes)
    if (const int operand = request.updated[n->id]; operand >= 0)
      written[n->id].push_back(written_value(n->operand(operand)).node->id);
  for (const ir::Donation& d : request.donations)
    if (const Node* writer = written_value(request.graph.results()[d.result]).node; !writer->is_parameter())
      written[writer->id].push_back(request.graph.parameters()[d.argument]->id);
  return written;
}

/// A part of the order in which what writes over a value waits for the value's other readers.
class WritersLast {
 public:
  WritersLast(std::span<const Node*> part, const OrderRequest& request,
              const std::vector<std::vector<uint32_t>>& written_over)
      : part_(part), request_(request), written_over_(written_over) {}

  void sort() {
    if (std::ranges::all_of(part_, [&](const Node* n) { return written_over_[n->id].empty(); })) return;
    find_edges();
    std::vector<const Node*> order;
    for (size_t i = 0; i < part_.size(); ++i)
      if (waits_for_[i] == 0) ready_.insert(i);
    while (!ready_.empty() || !put_off_.empty()) {
      std::set<size_t>& from = ready_.empty() ? put_off_ : ready_;
      const size_t next = *from.begin();
      from.erase(from.begin());
      if (&from == &ready_ && has_other_readers(next)) {
        put_off_.insert(next);
        continue;
      }
      order.push_back(part_[next]);
      finish(next);
    }
    std::ranges::copy(order, part_.begin());
  }

 private:
  std::span<const uint32_t> written_by(size_t i) const { return written_over_[part_[i]->id]; }
  bool has_other_readers(size_t i) const {
    return std::ranges::any_of(written_by(i), [&](uint32_t id) {
      const std::set<size_t>& left = readers_left_.at(id);
      return left.size() > left.count(i);
    });
  }

  void find_edges() {
    std::map<uint32_t, size_t> place;
    for (size_t i = 0; i < part_.size(); ++i) {
      place[part_[i]->id] = i;
      for (const uint32_t id : written_by(i)) {
        readers_left_[id];
        writers_[id].push_back(i);
      }
    }
    waits_for_.assign(part_.size(), 0);
    before_.resize(part_.size());
    const auto wait = [&](size_t i, size_t for_this) {
      ++waits_for_[i];
      before_[for_this].push_back(i);
    };
    std::optional<size_t> last_failing;  // errors and effects keep their order
    for (size_t i = 0; i < part_.size(); ++i) {
      for (const ir::Value& v : part_[i]->operands()) {
        if (const auto at = place.find(v.node->id); at != place.end()) wait(i, at->second);
        if (const auto read = readers_left_.find(written_value(v).node->id); read != readers_left_.end())
          read->second.insert(i);
      }
      for (const Node* count : counts_of(request_, *part_[i]))
        if (const auto at = place.find(count->id); at != place.end()) wait(i, at->second);
      if (!request_.fails[part_[i]->id]) continue;
      if (last_failing) wait(i, *last_failing);
      last_failing = i;
    }
  }

  void finish(size_t i) {
    for (size_t next : before_[i])
      if (--waits_for_[next] == 0) ready_.insert(next);
    for (const ir::Value& v : part_[i]->operands()) {
      const uint32_t id = written_value(v).node->id;
      const auto read = readers_left_.find(id);
      if (read == readers_left_.end() || read->second.erase(i) == 0) continue;
      for (const size_t writer : writers_[id])
        if (put_off_.contains(writer) && !has_other_readers(writer)) {
          put_off_.erase(writer);
          ready_.insert(writer);
        }
    }
  }

  std::span<const Node*> part_;
  const OrderRequest& request_;
  const std::vector<std::vector<uint32_t>>& written_over_;  ///< by node id
  std::vector<int> waits_for_;
  std::vector<std::vector<size_t>> before_;
  std::map<uint32_t, std::set<size_t>> readers_left_;  ///< by node whose memory is written over
  std::map<uint32_t, std::vector<size_t>> writers_;    ///< the same
  std::set<size_t> ready_, put_off_;
};

}  // namespace

bool can_fail(const Node& node, bool is_kernel) { return !is_kernel || ops::has_value_check(node); }

namespace {

/// Those that write donated memory and that nothing which can fail needs, with what needs them: they move behind the
/// last node that can fail. Empty: none can, or nothing is donated.
std::vector<bool> put_off_behind_failures(std::vector<const Node*>& order, const OrderRequest& request) {
  const std::vector<std::vector<uint32_t>> written = written_over(request);
  const auto behind_last =
      std::find_if(order.rbegin(), order.rend(), [&](const Node* n) { return request.fails[n->id]; }).base();
  if (behind_last == order.begin() || request.donations.empty()) {
    WritersLast(order, request, written).sort();
    return {};
  }
  const std::vector<bool> is_needed = needed_by_what_fails(request);
  std::vector<bool> is_put_off(request.graph.nodes().size());
  for (const ir::Donation& d : request.donations) {
    const Node* writer = written_value(request.graph.results()[d.result]).node;
    if (!writer->is_parameter() && !is_needed[writer->id]) is_put_off[writer->id] = true;
  }
  for (const Node* n : order)
    if (std::ranges::any_of(n->operands(), [&](const ir::Value& v) { return is_put_off[v.node->id]; }))
      is_put_off[n->id] = true;
  const auto put_off =
      std::stable_partition(order.begin(), behind_last, [&](const Node* n) { return !is_put_off[n->id]; });
  WritersLast({order.begin(), put_off}, request, written).sort();
  WritersLast({put_off, order.end()}, request, written).sort();
  return is_put_off;
}

}  // namespace

std::vector<const Node*> order_commands(const OrderRequest& request) {
  std::vector<const Node*> order(request.nodes.begin(), request.nodes.end());
  const std::vector<bool> is_put_off = put_off_behind_failures(order, request);
  const ir::Facts& facts = request.graph.facts();
  lower_memory(order, request, is_put_off, CommandMemory(request.graph, order, request.updated, [&](ir::Dim d) {
                 return ir::nominal_size(facts, d);
               }));
  return order;
}

}  // namespace strata::compiler
