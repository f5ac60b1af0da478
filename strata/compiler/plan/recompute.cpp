#include "strata/compiler/plan/recompute.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "strata/compiler/lower/form.h"
#include "strata/ir/graph/rewrite.h"

namespace strata::compiler {
namespace {

using ir::Node;

/// What the next rung holds at most of what the last one does.
constexpr double kRung = 0.95;
/// Kernels that run again for the sake of one.
constexpr size_t kLongestChain = 64;
/// Candidates that are tried before a rung is given up.
constexpr int kMostTries = 24;
/// What is this much smaller than what is freed is kept instead of computed again.
constexpr int64_t kSmall = 32;

using Sequence = std::vector<const Node*>;

/// Where each value of a sequence is needed. A run of a command has a slot for each owner that it writes.
class Profile {
 public:
  Profile(const Sequence& sequence, const CommandMemory& memory, size_t node_count)
      : sequence_(sequence), memory_(memory), places_(node_count) {
    const int n = sequence.size();
    first_slot_.resize(n + 1);
    for (int p = 0; p < n; ++p) {
      places_[sequence[p]->id].push_back(p);
      first_slot_[p + 1] = first_slot_[p] + memory.writes(*sequence[p]).size();
    }
    last_.resize(first_slot_[n]);
    live.assign(n + 1, 0);
    for (int p = 0; p < n; ++p)
      for (size_t k = 0; k < memory.writes(*sequence[p]).size(); ++k) last_[first_slot_[p] + k] = p;
    for (int p = 0; p < n; ++p)
      for (const int o : memory.reads(*sequence[p]))
        if (const int slot = slot_before(o, p); slot >= 0) last_[slot] = p;
    for (int p = 0; p < n; ++p)
      for (size_t k = 0; k < memory.writes(*sequence[p]).size(); ++k) {
        live[p] += memory.bytes(memory.writes(*sequence[p])[k]);
        live[last_[first_slot_[p] + k] + 1] -= memory.bytes(memory.writes(*sequence[p])[k]);
      }
    std::partial_sum(live.begin(), live.end(), live.begin());
    live.pop_back();
  }

  int64_t largest() const { return live.empty() ? 0 : *std::ranges::max_element(live); }
  int peak() const { return std::ranges::max_element(live) - live.begin(); }
  double excess(int64_t target) const {
    double sum = 0;
    for (const int64_t bytes : live) sum += std::max<int64_t>(0, bytes - target);
    return sum;
  }

  /// The last place of the node in front of `place`; -1: none.
  int place_before(const Node& node, int place) const {
    const std::vector<int>& at = places_[node.id];
    const auto behind = std::ranges::lower_bound(at, place);
    return behind == at.begin() ? -1 : *std::prev(behind);
  }
  /// The first place of the node at `place` or behind; -1: none.
  int place_from(const Node& node, int place) const {
    const std::vector<int>& at = places_[node.id];
    const auto here = std::ranges::lower_bound(at, place);
    return here == at.end() ? -1 : *here;
  }
  /// Where the owner's value of that time lies; -1: it is not there yet.
  int slot_before(int owner, int place) const {
    const Node& node = memory_.node_of(owner);
    const int p = place_before(node, place);
    if (p < 0) return -1;
    const auto writes = memory_.writes(node);
    return first_slot_[p] + (std::ranges::find(writes, owner) - writes.begin());
  }
  int last_use(int slot) const { return last_[slot]; }
  int first_slot(int place) const { return first_slot_[place]; }

  /// By slot: the last use at or in front of `place`, and the first behind it; -1: none.
  struct Gaps {
    std::vector<int> before, behind;
  };
  Gaps gaps_at(int place) const {
    Gaps gaps{std::vector<int>(last_.size(), -1), std::vector<int>(last_.size(), -1)};
    for (int p = 0; p < std::ssize(sequence_); ++p) {
      if (p <= place)
        for (int s = first_slot_[p]; s < first_slot_[p + 1]; ++s) gaps.before[s] = p;
      for (const int o : memory_.reads(*sequence_[p])) {
        const int slot = slot_before(o, p);
        if (slot < 0) continue;
        if (p <= place)
          gaps.before[slot] = p;
        else if (gaps.behind[slot] < 0)
          gaps.behind[slot] = p;
      }
    }
    return gaps;
  }

  std::vector<int64_t> live;  ///< by place

 private:
  const Sequence& sequence_;
  const CommandMemory& memory_;
  std::vector<std::vector<int>> places_;  ///< by node id
  std::vector<int> first_slot_, last_;    ///< by place; by slot: where it is used last
};

/// A kernel to run again, with those that it needs again, in front of a place.
struct Candidate {
  std::vector<const Node*> chain;  ///< in the order in which they run
  int place = 0;
  double score = 0;
};

}  // namespace

class RecomputeLadder::State {
 public:
  explicit State(LadderRequest request) : request_(std::move(request)), sequence_(request_.order) {
    best_ = profile_of(sequence_).largest();
  }

  const Sequence* next() {
    const int64_t before = best_;
    const int64_t target = static_cast<double>(best_) * kRung;
    for (size_t steps = 0; best_ > target && steps < 4 * request_.order.size(); ++steps)
      if (!improve(target)) break;
    return best_ < before ? &rung_ : nullptr;
  }
  int64_t live_bytes() const { return best_; }

 private:
  Profile profile_of(const Sequence& sequence) const {
    return {sequence, request_.memory, request_.graph.nodes().size()};
  }
  const RepeatCost& cost(const Node& node) const { return request_.costs[node.id]; }
  int64_t bytes(int owner) const { return request_.memory.bytes(owner); }

  /// Takes the best candidate that lowers what is held above the target.
  bool improve(int64_t target) {
    const Profile profile = profile_of(sequence_);
    std::vector<Candidate> candidates = candidates_at(profile, profile.peak(), target);
    std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    const double excess = profile.excess(target);
    for (int i = 0; i < std::min<int>(kMostTries, candidates.size()); ++i) {
      Sequence changed = applied(candidates[i], profile, target);
      const Profile after = profile_of(changed);
      if (after.excess(target) >= excess) continue;
      sequence_ = std::move(changed);
      if (const int64_t largest = after.largest(); largest < best_) {
        best_ = largest;
        rung_ = sequence_;
      }
      return true;
    }
    return false;
  }

  std::vector<Candidate> candidates_at(const Profile& profile, int peak, int64_t target) const {
    const Profile::Gaps gaps = profile.gaps_at(peak);
    std::vector<int> above(profile.live.size() + 1);  // places in front that hold more than the target
    for (size_t p = 0; p < profile.live.size(); ++p) above[p + 1] = above[p] + (profile.live[p] > target);
    std::vector<Candidate> candidates;
    for (int p = 0; p < peak; ++p) {
      const Node& node = *sequence_[p];
      if (!cost(node).may_repeat) continue;
      int64_t freed = 0;
      int from = p, to = -1;
      const auto writes = request_.memory.writes(node);
      for (size_t k = 0; k < writes.size(); ++k) {
        const int slot = profile.first_slot(p) + k;
        if (gaps.behind[slot] < 0) continue;
        to = to < 0 ? gaps.behind[slot] : std::min(to, gaps.behind[slot]);
        if (gaps.before[slot] == peak) continue;
        freed += bytes(writes[k]);
        from = std::max(from, gaps.before[slot]);
      }
      if (freed == 0) continue;
      Candidate c{.place = to};
      Chain chain{profile, peak, to, freed};
      if (!gather(node, chain)) continue;
      double seconds = 0;
      for (const Node* n : chain.nodes) seconds += cost(*n).seconds;
      c.chain = std::move(chain.nodes);
      c.score = static_cast<double>(freed - chain.kept) * (above[to] - above[from]) / seconds;
      candidates.push_back(std::move(c));
    }
    return candidates;
  }

  /// What has to run again in front of `place`.
  struct Chain {
    const Profile& profile;
    int peak, place;
    int64_t freed;
    int64_t kept = 0;  ///< bytes that must be kept across the peak for it
    std::vector<const Node*> nodes = {};
    std::set<uint32_t> visited = {};
  };
  /// Appends the node behind what it needs; false: it can't run there, or keeps more than is freed.
  bool gather(const Node& node, Chain& chain) const {
    if (!chain.visited.insert(node.id).second) return true;
    if (chain.visited.size() > kLongestChain || !may_run_at(node, chain)) return false;
    for (const int o : request_.memory.reads(node)) {
      const int slot = chain.profile.slot_before(o, chain.place);
      if (slot < 0) return false;
      if (chain.profile.last_use(slot) >= chain.place) continue;
      const Node& producer = request_.memory.node_of(o);
      const bool is_small = bytes(o) * kSmall <= chain.freed;
      if (!is_small && cost(producer).may_repeat && may_run_at(producer, chain)) {
        if (!gather(producer, chain)) return false;
      } else if (chain.profile.last_use(slot) < chain.peak) {
        chain.kept += bytes(o);
        if (chain.kept >= chain.freed) return false;
      }
    }
    chain.nodes.push_back(&node);
    return true;
  }
  bool may_run_at(const Node& node, const Chain& chain) const {
    return std::ranges::none_of(cost(node).overwritten, [&](int writer) {
      const int at = chain.profile.place_from(*request_.graph.nodes()[writer], 0);
      return at >= 0 && at < chain.place;
    });
  }

  /// The sequence with the chain in it. What comes again later as well is kept until then, where that fits.
  Sequence applied(const Candidate& c, const Profile& profile, int64_t target) const {
    std::set<int> dropped;
    for (const Node* n : c.chain) {
      const int later = profile.place_from(*n, c.place);
      if (later < 0) continue;
      const auto fits = [&](int64_t bytes) { return bytes <= target; };
      if (std::all_of(profile.live.begin() + c.place, profile.live.begin() + later, fits)) dropped.insert(later);
    }
    Sequence changed;
    changed.reserve(sequence_.size() + c.chain.size());
    for (int p = 0; p < std::ssize(sequence_); ++p) {
      if (p == c.place) changed.insert(changed.end(), c.chain.begin(), c.chain.end());
      if (!dropped.contains(p)) changed.push_back(sequence_[p]);
    }
    return changed;
  }

  const LadderRequest request_;
  Sequence sequence_, rung_;  ///< as it is; the one that holds least so far
  int64_t best_ = 0;          ///< bytes of that
};

RecomputeLadder::RecomputeLadder(LadderRequest request) : state_(std::make_unique<State>(std::move(request))) {}
RecomputeLadder::~RecomputeLadder() = default;
const std::vector<const Node*>* RecomputeLadder::next() { return state_->next(); }
int64_t RecomputeLadder::live_bytes() const { return state_->live_bytes(); }

namespace {

/// Builds the graph: a value's image is that of the last run of its node.
class Repeater {
 public:
  explicit Repeater(const ir::Graph& graph)
      : result_(std::make_shared<ir::Graph>(graph.name())), copier_(graph, *result_) {
    copier_.copy_parameters();
  }

  RepeatedGraph make(std::span<const Node* const> sequence) {
    for (const Node* n : sequence) append(*n);
    for (const ir::Value& v : copier_.from().results()) refresh(v);
    copier_.copy_results();
    origin_.resize(result_->nodes().size());
    return {std::move(result_), std::move(origin_)};
  }

 private:
  /// Sees to it that the value's image is there: a literal, or another shape of a value that may be new.
  void refresh(ir::Value v) {
    if (v.node->is_parameter()) return;
    const ir::Value image = copier_.find(v);
    if (written_value(v).node == v.node) {
      if (!image) append(*v.node);
      return;
    }
    const ir::Value of = v.node->operand(0);
    refresh(of);
    if (!image || !(image.node->operand(0) == copier_.get(of))) append(*v.node);
  }
  void append(const Node& node) {
    for (const ir::Value& v : node.operands()) refresh(v);
    const Node* made = copier_.copy(node);
    origin_.resize(made->id + 1);
    origin_[made->id] = &node;
  }

  std::shared_ptr<ir::Graph> result_;
  ir::GraphCopier copier_;
  std::vector<const Node*> origin_;
};

}  // namespace

RepeatedGraph with_repeats(const ir::Graph& graph, std::span<const Node* const> sequence) {
  return Repeater(graph).make(sequence);
}

}  // namespace strata::compiler
