#include "strata/report/graph/layered_layout.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"

namespace strata::report {
namespace {

std::vector<LayoutNode> boxes(int count) { return std::vector<LayoutNode>(count, {.width = 100, .height = 40}); }

void expect_apart(const std::vector<LayoutNode>& nodes, const Layout& layout) {
  for (size_t a = 0; a < nodes.size(); ++a) {
    EXPECT_GE(layout.corners[a].x, -1e-9);
    EXPECT_LE(layout.corners[a].x + nodes[a].width, layout.width + 1e-9);
    EXPECT_LE(layout.corners[a].y + nodes[a].height, layout.height + 1e-9);
    for (size_t b = 0; b < a; ++b)
      EXPECT_FALSE(layout.corners[a].x < layout.corners[b].x + nodes[b].width - 1e-6 &&
                   layout.corners[b].x < layout.corners[a].x + nodes[a].width - 1e-6 &&
                   layout.corners[a].y < layout.corners[b].y + nodes[b].height - 1e-6 &&
                   layout.corners[b].y < layout.corners[a].y + nodes[a].height - 1e-6)
          << a << " and " << b;
  }
}

TEST(LayeredLayout, WhatIsReadStandsAbove) {
  const auto nodes = boxes(5);
  const LayoutEdge edges[] = {{0, 2}, {1, 2}, {2, 3}, {2, 4}, {0, 4}};
  const Layout layout = lay_out(nodes, edges);
  EXPECT_EQ(layout.layers, (std::vector<int>{0, 0, 1, 2, 2}));
  for (const LayoutEdge& e : edges) EXPECT_LT(layout.corners[e.from].y, layout.corners[e.to].y);
  expect_apart(nodes, layout);
}

TEST(LayeredLayout, ArgumentsStandWhereTheyAreRead) {
  std::vector<LayoutNode> nodes = boxes(6);
  nodes[0].is_source = nodes[1].is_source = true;
  const LayoutEdge edges[] = {{0, 2}, {2, 3}, {3, 4}, {4, 5}, {1, 5}};
  const Layout layout = lay_out(nodes, edges);
  EXPECT_EQ(layout.layers, (std::vector<int>{0, 3, 1, 2, 3, 4}));
}

TEST(LayeredLayout, EdgesOverManyLayersAreFarAndPullNothing) {
  const auto nodes = boxes(12);
  std::vector<LayoutEdge> edges;
  for (int i = 0; i + 1 < 12; ++i) edges.push_back({i, i + 1});
  edges.push_back({0, 11});
  const Layout layout = lay_out(nodes, edges, {.far = 5});
  EXPECT_TRUE(layout.is_far.back());
  EXPECT_FALSE(layout.is_far.front());
  EXPECT_DOUBLE_EQ(layout.width, 100) << "a chain is straight";
}

TEST(LayeredLayout, CrossedPairsAreUncrossed) {
  const auto nodes = boxes(4);
  const LayoutEdge edges[] = {{0, 3}, {1, 2}};
  const Layout layout = lay_out(nodes, edges);
  EXPECT_EQ(layout.corners[0].x < layout.corners[1].x, layout.corners[3].x < layout.corners[2].x);
}

TEST(LayeredLayout, ALayerThatIsTooWideGoesOnInTheNextRow) {
  const auto nodes = boxes(41);
  std::vector<LayoutEdge> edges;
  for (int i = 1; i < 41; ++i) edges.push_back({0, i});
  const Layout layout = lay_out(nodes, edges, {.most_width = 1000});
  EXPECT_EQ(layout.layers, std::vector<int>({0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                             1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_LE(layout.width, 1100);
  expect_apart(nodes, layout);
}

TEST(LayeredLayout, LargeGraphsNothingAndBackwardEdges) {
  const auto nodes = boxes(800);
  std::vector<LayoutEdge> edges;
  for (int i = 1; i < 800; ++i) edges.push_back({(i * 7919) % i, i}), edges.push_back({i - 1, i});
  expect_apart(nodes, lay_out(nodes, edges));
  EXPECT_EQ(lay_out({}, {}).height, 0);
  const LayoutEdge backwards[] = {{1, 0}};
  EXPECT_THROW(lay_out(nodes, backwards), base::Error);
}

}  // namespace
}  // namespace strata::report
