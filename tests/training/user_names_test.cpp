// A user's own names beside `using namespace strata`: the words of graphs and rules are free, the functions are there.
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "strata/strata.h"

using namespace strata;

namespace {

struct Node {
  int depth = 0;
};
struct Graph {
  std::vector<Node> nodes;
};
struct Value {};
struct Op {};
struct Attr {};
struct Type {};
struct Literal {};
struct Operand {};

TEST(UserNames, AreFreeBesideThoseOfStrata) {
  const Graph graph{{Node{2}}};
  const Value value;
  const Op op;
  static_cast<void>(std::tuple<const Value&, const Op&, Attr, Type, Literal, Operand>{value, op, {}, {}, {}, {}});
  const Tensor x = concat(std::vector<Tensor>{Tensor::from({1.f, 2.f}), strata::exp(Tensor::zeros({1}))}, 0);
  EXPECT_EQ(sum(x[Slice{0, graph.nodes[0].depth}]).item(), 3);
}

}  // namespace
