#include "strata/ir/plan/arena.h"

#include <algorithm>
#include <numeric>

namespace strata::ir {
namespace {

constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

bool overlap(const ArenaRequest& a, const ArenaRequest& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

ArenaLayout lay_out_arena(std::span<const ArenaRequest> requests) {
  ArenaLayout layout;
  layout.offsets.assign(requests.size(), 0);
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return requests[a].bytes != requests[b].bytes ? requests[a].bytes > requests[b].bytes : a < b;
  });
  std::vector<size_t> placed;  // by offset
  int last_command = 0;
  for (size_t i : order) {
    const ArenaRequest& request = requests[i];
    last_command = std::max(last_command, request.last);
    if (request.bytes == 0) continue;
    const int64_t size = aligned(request.bytes);
    int64_t offset = 0;
    for (size_t p : placed) {
      if (!overlap(requests[p], request)) continue;
      if (layout.offsets[p] >= offset + size) break;
      offset = std::max(offset, layout.offsets[p] + aligned(requests[p].bytes));
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return layout.offsets[a] < layout.offsets[b]; }),
                  i);
  }
  std::vector<int64_t> change(static_cast<size_t>(last_command) + 2);
  for (const ArenaRequest& r : requests) {
    if (r.bytes == 0) continue;
    change[static_cast<size_t>(r.first)] += aligned(r.bytes);
    change[static_cast<size_t>(r.last) + 1] -= aligned(r.bytes);
  }
  int64_t live = 0;
  for (int64_t c : change) layout.largest_live = std::max(layout.largest_live, live += c);
  return layout;
}

}  // namespace strata::ir
