// However long a chain of one elementwise op is, it compiles: fusion cuts it before an expression is too deep.
#include <gtest/gtest.h>

#include "strata/compiler/backends/null/null_target.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::Graph;
using ir::Type;
using ir::Value;

/// v = op(v) or op(v, y), 150 times; null where the op does not give back the type that it takes.
std::shared_ptr<const Graph> chain(const ir::Op& op, DType dtype) {
  auto graph = std::make_shared<Graph>("chain");
  const Value x = graph->add_parameter(Type::of(dtype, {5})), y = graph->add_parameter(Type::of(dtype, {5}));
  Value v = x;
  for (int i = 0; i < 150; ++i) {
    const std::vector<Value> operands = op.operands_min == 1 ? std::vector{v} : std::vector{v, y};
    v = graph->add(op, operands, {})->result();
    if (v.type() != x.type()) return nullptr;
  }
  graph->set_results({v});
  return graph;
}

TEST(OpChains, OfEveryElementwiseOpCompileHoweverLong) {
  const NoDiskCache no_cache;
  const null_backend::NullTarget target;
  int chains = 0;
  for (const ir::Op* op : ops::all_ops()) {
    const bool is_plain = op->is_pointwise && op->attrs.empty() && op->operands_max <= 2 && op->operands_min >= 1;
    for (const DType dtype : {DType::f32, DType::f16, DType::f64, DType::i32, DType::boolean}) {
      if (!is_plain || !op->types.has(dtype)) continue;
      const auto graph = chain(*op, dtype);
      if (!graph) continue;
      EXPECT_NO_THROW(compile(graph, {.target = &target})) << op->name << " " << ir::dtype_name(dtype);
      ++chains;
    }
  }
  EXPECT_GT(chains, 60);
}

}  // namespace
}  // namespace strata::compiler
