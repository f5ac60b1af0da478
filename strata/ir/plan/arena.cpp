#include "strata/ir/plan/arena.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace strata::ir {
namespace {

constexpr int64_t kAlignment = 64;
/// Above so many, placing by size takes milliseconds.
constexpr size_t kMany = 1500;
/// What a plan may take beyond the most that is alive at once (design.md, section 5).
constexpr double kGoodEnough = 1.1;
/// Up to that nobody looks for a better one.
constexpr double kGood = 1.02;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// A request that has its place. What the search for a gap looks at stands together: it takes most of the time.
struct Placed {
  int first, last;
  int64_t offset, end;
};

/// Those that take anything, the largest first.
std::vector<size_t> by_size(std::span<const ArenaRequest> requests) {
  std::vector<std::pair<int64_t, size_t>> falling;
  falling.reserve(requests.size());
  for (size_t i = 0; i < requests.size(); ++i)
    if (requests[i].bytes > 0) falling.emplace_back(-requests[i].bytes, i);
  std::ranges::sort(falling);
  std::vector<size_t> order;
  order.reserve(falling.size());
  for (const auto& [less, i] : falling) order.push_back(i);
  return order;
}

/// Offsets in this order.
void place(std::span<const ArenaRequest> requests, std::span<const size_t> order, ArenaLayout& layout) {
  layout.bytes = 0;
  std::vector<Placed> placed;  // by offset
  placed.reserve(order.size());
  for (const size_t i : order) {
    const ArenaRequest& request = requests[i];
    const int64_t size = aligned(request.bytes);
    int64_t offset = 0;
    for (const Placed& p : placed) {
      if (p.first > request.last || request.first > p.last) continue;
      if (p.offset >= offset + size) break;
      offset = std::max(offset, p.end);
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, offset + size);
    placed.insert(std::ranges::upper_bound(placed, offset, {}, &Placed::offset),
                  {request.first, request.last, offset, offset + size});
  }
}

/// The free parts below the top, by offset and by size.
class Holes {
 public:
  /// The smallest hole of at least `size` bytes, or the top.
  int64_t take(int64_t size) {
    const auto at = by_size_.lower_bound({size, 0});
    if (at == by_size_.end()) {
      // A hole that ends at the top grows into it.
      const bool is_at_top = !by_offset_.empty() && last_end() == top_;
      const int64_t offset = is_at_top ? by_offset_.rbegin()->first : top_;
      if (is_at_top) erase(std::prev(by_offset_.end()));
      top_ = offset + size;
      return offset;
    }
    const auto [bytes, offset] = *at;
    erase(by_offset_.find(offset));
    if (bytes > size) insert(offset + size, bytes - size);
    return offset;
  }
  void give(int64_t offset, int64_t size) {
    auto behind = by_offset_.lower_bound(offset);
    if (behind != by_offset_.begin()) {
      const auto before = std::prev(behind);
      if (before->first + before->second == offset) {
        offset = before->first;
        size += before->second;
        erase(before);
      }
    }
    if (behind != by_offset_.end() && offset + size == behind->first) {
      size += behind->second;
      erase(behind);
    }
    insert(offset, size);
  }
  int64_t top() const { return top_; }

 private:
  using ByOffset = std::map<int64_t, int64_t>;
  int64_t last_end() const { return by_offset_.rbegin()->first + by_offset_.rbegin()->second; }
  void insert(int64_t offset, int64_t size) {
    by_offset_.emplace(offset, size);
    by_size_.emplace(size, offset);
  }
  void erase(ByOffset::iterator at) {
    by_size_.erase({at->second, at->first});
    by_offset_.erase(at);
  }

  int64_t top_ = 0;
  ByOffset by_offset_;
  std::set<std::pair<int64_t, int64_t>> by_size_;  // size, offset
};

/// Offsets in the order of the commands.
void place_by_command(std::span<const ArenaRequest> requests, ArenaLayout& layout) {
  std::vector<size_t> by_first;
  for (size_t i = 0; i < requests.size(); ++i)
    if (requests[i].bytes > 0) by_first.push_back(i);
  std::vector<size_t> by_last = by_first;
  std::stable_sort(by_first.begin(), by_first.end(),
                   [&](size_t a, size_t b) { return requests[a].first < requests[b].first; });
  std::stable_sort(by_last.begin(), by_last.end(),
                   [&](size_t a, size_t b) { return requests[a].last < requests[b].last; });
  Holes holes;
  auto ended = by_last.begin();
  for (size_t i : by_first) {
    for (; requests[*ended].last < requests[i].first; ++ended)
      holes.give(layout.offsets[*ended], aligned(requests[*ended].bytes));
    layout.offsets[i] = holes.take(aligned(requests[i].bytes));
  }
  layout.bytes = holes.top();
}

/// The command at which most is alive, and how much.
std::pair<int, int64_t> peak_of(std::span<const ArenaRequest> requests) {
  int last_command = 0;
  for (const ArenaRequest& r : requests) last_command = std::max(last_command, r.last);
  std::vector<int64_t> change(last_command + 2);
  for (const ArenaRequest& r : requests) {
    if (r.bytes == 0) continue;
    change[r.first] += aligned(r.bytes);
    change[r.last + 1] -= aligned(r.bytes);
  }
  int64_t live = 0;
  std::pair<int, int64_t> peak{0, 0};
  for (int c = 0; c <= last_command; ++c)
    if (live += change[c]; live > peak.second) peak = {c, live};
  return peak;
}

/// Other orders, for what lies badly by size alone: what is alive at the peak stands together without a gap, or what
/// lives longest makes no gaps between others.
void place_otherwise(std::span<const ArenaRequest> requests, std::vector<size_t> order, int peak, ArenaLayout& best) {
  const auto is_at_peak = [&](size_t i) { return requests[i].first <= peak && peak <= requests[i].last; };
  const auto commands = [&](size_t i) { return static_cast<double>(requests[i].last - requests[i].first + 1); };
  const auto try_order = [&] {
    ArenaLayout other{.offsets = best.offsets, .largest_live = best.largest_live};
    place(requests, order, other);
    if (other.bytes < best.bytes) best = std::move(other);
  };
  std::ranges::stable_partition(order, is_at_peak);
  try_order();
  std::ranges::stable_sort(order, std::greater{},
                           [&](size_t i) { return commands(i) * static_cast<double>(requests[i].bytes); });
  try_order();
}

}  // namespace

ArenaLayout lay_out_arena(std::span<const ArenaRequest> requests) {
  ArenaLayout layout;
  layout.offsets.assign(requests.size(), 0);
  const auto [peak, bytes] = peak_of(requests);
  layout.largest_live = bytes;
  if (requests.size() > kMany) {
    place_by_command(requests, layout);
    if (static_cast<double>(layout.bytes) <= kGoodEnough * static_cast<double>(layout.largest_live)) return layout;
  }
  const std::vector<size_t> order = by_size(requests);
  place(requests, order, layout);
  if (requests.size() <= kMany && static_cast<double>(layout.bytes) > kGood * static_cast<double>(layout.largest_live))
    place_otherwise(requests, order, peak, layout);
  return layout;
}

}  // namespace strata::ir
