// A least set of edges whose removal parts a source from a sink (Dinic, "Algorithm for solution of a problem of maximum
// flow in networks with power estimation", 1970).
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace strata::compiler {

class MinCut {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max() / 4;  ///< of an edge that may not be cut

  int add_point() {
    edges_.emplace_back();
    return edges_.size() - 1;
  }
  void add_edge(int from, int to, int64_t cost);

  /// By point, whether it stays with the source: of all least cuts the one nearest to the sink.
  std::vector<bool> cut(int source, int sink);

 private:
  struct Edge {
    int to, back;  ///< point; position of the opposite edge there
    int64_t room;
  };
  bool find_levels(int source, int sink);
  int64_t push(int from, int sink, int64_t most);

  std::vector<std::vector<Edge>> edges_;  ///< by point
  std::vector<int> level_;
  std::vector<size_t> next_;
};

}  // namespace strata::compiler
