#include "strata/compiler/graph/residuals/min_cut.h"

#include <algorithm>

namespace strata::compiler {

void MinCut::add_edge(int from, int to, int64_t cost) {
  edges_[from].push_back({to, static_cast<int>(edges_[to].size()), cost});
  edges_[to].push_back({from, static_cast<int>(edges_[from].size()) - 1, 0});
}

bool MinCut::find_levels(int source, int sink) {
  level_.assign(edges_.size(), -1);
  level_[source] = 0;
  std::vector<int> open{source};
  for (size_t i = 0; i < open.size(); ++i)
    for (const Edge& e : edges_[open[i]]) {
      if (e.room == 0 || level_[e.to] >= 0) continue;
      level_[e.to] = level_[open[i]] + 1;
      open.push_back(e.to);
    }
  return level_[sink] >= 0;
}

/// One recursion for each point of the path. Paths can be as long as there are points: Residuals follows a value so
/// many steps only, and so many nodes.
int64_t MinCut::push(int from, int sink, int64_t most) {
  if (from == sink) return most;
  for (size_t& i = next_[from]; i < edges_[from].size(); ++i) {
    Edge& e = edges_[from][i];
    if (e.room == 0 || level_[e.to] != level_[from] + 1) continue;
    const int64_t pushed = push(e.to, sink, std::min(most, e.room));
    if (pushed == 0) continue;
    e.room -= pushed;
    edges_[e.to][e.back].room += pushed;
    return pushed;
  }
  return 0;
}

std::vector<bool> MinCut::cut(int source, int sink) {
  while (find_levels(source, sink)) {
    next_.assign(edges_.size(), 0);
    while (push(source, sink, kNever) > 0) {
    }
  }
  // Whatever can still reach the sink is on its side; the rest stays with the source.
  std::vector<bool> reaches_sink(edges_.size());
  reaches_sink[sink] = true;
  std::vector<int> open{sink};
  for (size_t i = 0; i < open.size(); ++i)
    for (const Edge& e : edges_[open[i]])
      if (edges_[e.to][e.back].room > 0 && !reaches_sink[e.to]) {
        reaches_sink[e.to] = true;
        open.push_back(e.to);
      }
  reaches_sink.flip();
  return reaches_sink;
}

}  // namespace strata::compiler
