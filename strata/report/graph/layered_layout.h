// Places for the nodes of a directed graph in layers: whatever a node reads stands above it, and few edges cross.
//
//   layer 0    [a]   [b]
//   layer 1      [ c ]        a node's layer: one below the lowest that it reads (arguments: one above their
//   layer 2    [d]   [e]      first reader)
//
// After Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures" (1981): order
// within layers by the mean of the neighbours, places by the same means. Edges over many layers are far edges, which
// have no part in it: a program's backward half reads what its forward half made hundreds of layers above.
#pragma once

#include <span>
#include <vector>

#include "strata/report/svg/canvas.h"

namespace strata::report {

struct LayoutNode {
  double width = 0, height = 0;
  bool is_source = false;  ///< stands where it is read, not on top: an argument
};

struct LayoutEdge {
  int from = 0, to = 0;  ///< from < to: nodes are given in an order in which they can be computed
};

struct LayoutOptions {
  double gap_x = 18, gap_y = 34;
  int far = 6;  ///< edges over more layers are far
  double most_width =
      2600;  ///< a layer that is wider goes on in the next row: an update of all parameters is hundreds of nodes
};

struct Layout {
  double width = 0, height = 0;
  std::vector<Point> corners;  ///< top left, by node
  std::vector<int> layers;     ///< by node
  std::vector<bool> is_far;    ///< by edge
};

/// E0690 for an edge that does not lead forwards.
Layout lay_out(std::span<const LayoutNode> nodes, std::span<const LayoutEdge> edges, const LayoutOptions& options = {});

}  // namespace strata::report
