// Walks the op table: no block may leave a facet open.
#include <gtest/gtest.h>

#include <set>

#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/list.h"

namespace strata::ops {
namespace {

using ir::Dim;
using ir::DType;

class Block : public testing::TestWithParam<const ir::Op*> {};

TEST_P(Block, DeclaresEveryFacet) {
  const ir::Op& op = *GetParam();
  EXPECT_FALSE(op.name.empty());
  EXPECT_FALSE(op.family.empty());
  EXPECT_GE(op.doc.size(), 10u) << "a doc says what the op means";
  EXPECT_TRUE(op.infer);
  EXPECT_TRUE(op.jvp.is_declared());
  EXPECT_TRUE(op.transpose.is_declared());
  EXPECT_TRUE(op.vmap.is_declared());
  EXPECT_TRUE(op.lower.is_declared());
  EXPECT_TRUE(op.reference.is_declared());
  EXPECT_TRUE(op.cost.is_declared());
  EXPECT_TRUE(op.samples.is_declared());
  for (const ir::AttrSpec& a : op.attrs) EXPECT_FALSE(a.doc.empty()) << a.name;
}

/// The dtype that Op::types speaks of.
DType declared_dtype(const ir::Node& node) { return (node.operand_count ? node.operand(0) : node.result()).dtype(); }

TEST_P(Block, SamplesCoverEveryDtypeThatItDeclares) {
  const ir::Op& op = *GetParam();
  if (!op.samples) GTEST_SKIP() << op.samples.reason;
  std::set<DType> seen;
  for (const ir::Sample& s : op.samples.fn()) {
    const auto graph = sample_graph(op, s);
    const ir::Node& node = *graph->nodes().back();
    if (node.operand_count == 0 || node.operand(0).type().elements() != Dim(0)) seen.insert(declared_dtype(node));
  }
  ASSERT_FALSE(seen.empty());
  for (DType t : seen) EXPECT_TRUE(op.types.has(t)) << "a sample in " << ir::dtype_name(t) << ", not declared";
  // What an op with regions computes is up to their ops, whose samples stand with those.
  if (op.region_count != 0) return;
  for (DType t : ir::kAllDTypes)
    EXPECT_TRUE(!op.types.has(t) || seen.contains(t)) << "no sample in " << ir::dtype_name(t);
}

INSTANTIATE_TEST_SUITE_P(Ops, Block, testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(OpTable, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const ir::Op* op : all_ops()) EXPECT_TRUE(names.insert(op->name).second) << op->name;
}

TEST(OpTable, FindsByName) {
  EXPECT_EQ(op_table().find("tanh")->name, "tanh");
  EXPECT_EQ(op_table().find("tanhh"), nullptr);
}

}  // namespace
}  // namespace strata::ops
