// Least cuts of random networks, against all cuts that there are.
#include "strata/compiler/graph/residuals/min_cut.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "strata/base/random/splitmix64.h"

namespace strata::compiler {
namespace {

struct Edge {
  int from, to;
  int64_t cost;
};

int64_t cost_of(const std::vector<Edge>& edges, const std::vector<bool>& with_source) {
  int64_t cost = 0;
  for (const Edge& e : edges)
    if (with_source[e.from] && !with_source[e.to]) cost += e.cost;
  return cost;
}

/// Points 0 and 1 are source and sink.
std::vector<std::vector<bool>> all_cuts(int points) {
  std::vector<std::vector<bool>> cuts;
  for (int bits = 0; bits < 1 << (points - 2); ++bits) {
    std::vector<bool> with_source{true, false};
    for (int p = 2; p < points; ++p) with_source.push_back((bits >> (p - 2)) & 1);
    cuts.push_back(with_source);
  }
  return cuts;
}

TEST(MinCut, IsTheLeastOfAllCutsAndTheOneNearestToTheSink) {
  base::SplitMix64 random(base::mix_bits(41));
  for (int round = 0; round < 300; ++round) {
    const int points = 2 + static_cast<int>(random.below(8));
    MinCut network;
    for (int p = 0; p < points; ++p) network.add_point();
    std::vector<Edge> edges;
    for (uint64_t i = random.below(20); i > 0; --i) {
      const Edge e{static_cast<int>(random.below(points)), static_cast<int>(random.below(points)),
                   static_cast<int64_t>(random.below(6))};
      if (e.from == e.to) continue;
      edges.push_back(e);
      network.add_edge(e.from, e.to, e.cost);
    }
    const std::vector<bool> found = network.cut(0, 1);
    ASSERT_TRUE(found[0]);
    ASSERT_FALSE(found[1]);
    for (const auto& cut : all_cuts(points)) {
      ASSERT_LE(cost_of(edges, found), cost_of(edges, cut));
      if (cost_of(edges, cut) > cost_of(edges, found)) continue;
      for (int p = 0; p < points; ++p) ASSERT_TRUE(found[p] || !cut[p]) << "round " << round << ", point " << p;
    }
  }
}

TEST(MinCut, GoesAroundEdgesThatMayNotBeCut) {
  MinCut network;
  const int source = network.add_point(), sink = network.add_point(), middle = network.add_point();
  network.add_edge(source, middle, 7);
  network.add_edge(middle, sink, MinCut::kNever);
  EXPECT_EQ(network.cut(source, sink), (std::vector<bool>{true, false, false}));
}

}  // namespace
}  // namespace strata::compiler
