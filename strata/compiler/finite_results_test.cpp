// Results that are looked at before they are committed: a NaN or an infinity anywhere in one is found, whatever kind of
// command writes it, at every ISA cpu, in every float dtype, in tails and in whole vectors; finite ones pass.
#include <gtest/gtest.h>

#include <limits>

#include "strata/base/error/message_of.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/compile.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

struct Kind {
  const char* name;
  Value (*result)(Value x);  ///< of x [n, 3], to which a NaN in x goes through
};

const Kind kKinds[] = {
    {"elementwise", [](Value x) { return x * 2.0 + 1.0; }},
    {"a sum over the last axis", [](Value x) { return ops::reduce_sum(x, {1}); }},
    {"a sum over the first axis", [](Value x) { return ops::reduce_sum(x, {0}); }},
    {"a sum of all", [](Value x) { return ops::reduce_sum(x, {0, 1}); }},
    {"a dot with an epilogue", [](Value x) { return ops::matmul(x, ops::transpose(x, {1, 0})) * 0.5; }},
    {"a transpose", [](Value x) { return ops::transpose(x, {1, 0}); }},
    {"a concat", [](Value x) { return ops::concat({x, x * 0.5}, 0); }},
    {"a reshape", [](Value x) { return ops::reshape(x * 2.0, {x.type().elements()}); }},
    {"an argument", [](Value x) { return x; }},
    {"a cumulative sum", [](Value x) { return ops::cumsum(x, 0); }},
    {"a checked gather",
     [](Value x) {
       return ops::take(x, ops::iota(x.graph(), Type::of(DType::i64, {x.type().dim(0)}), 0), 0, ops::OutOfRange::Check);
     }},
};

std::string code_of(const runtime::Executable& program, const HostArray& x) {
  return base::code_of([&] { program.run({x}); });
}

TEST(FiniteResults, AreLookedAtWhateverWritesThem) {
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16})
      for (const Kind& kind : kKinds) {
        auto graph = std::make_shared<Graph>();
        const Value x = graph->add_parameter(Type::of(dtype, {ir::Dim::symbol("N"), 3}));
        graph->set_results({kind.result(x)});
        const auto program = compile(graph, {.target = &llvm_target_for(cpu), .finite = {{0, "leaf"}}});
        for (const int64_t n : {1, 5, 64, 131}) {
          SCOPED_TRACE(std::string(kind.name) + " " + std::string(ir::dtype_name(dtype)) + " " + std::to_string(n) +
                       " for " + std::string(cpu.name));
          HostArray good(dtype, {n, 3});
          for (int64_t i = 0; i < 3 * n; ++i) good.set(i, static_cast<double>(i % 7) - 3);
          EXPECT_EQ(code_of(*program, good), "no error");
          for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity()})
            for (const int64_t at : {int64_t{0}, 3 * n - 1}) {
              HostArray poisoned = good.clone();
              poisoned.set(at, bad);
              EXPECT_EQ(code_of(*program, poisoned), "E0318") << bad << " at " << at;
            }
        }
      }
  }
}

TEST(FiniteResults, OfTheHostAreLookedAtToo) {
  auto graph = std::make_shared<Graph>();
  const Value x = graph->add_parameter(Type::of(DType::f32, {4, 3}));
  const Value start = ops::full(*graph, Type::of(DType::f32, {3}), 1.0);
  const ops::ScanResults scanned = ops::scan(
      {{}, {start}, {x}}, 4, [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{p[0] * p[1], p[0]}; },
      ops::ScanOrder::Forward);
  graph->set_results({scanned.carries[0]});
  const auto program = compile(graph, {.finite = {{0, "carry"}}});
  HostArray good(DType::f32, {4, 3});
  for (int64_t i = 0; i < 12; ++i) good.set(i, 1e10);
  EXPECT_EQ(code_of(*program, good), "E0318") << "1e40";
  for (int64_t i = 0; i < 12; ++i) good.set(i, 1e9);
  EXPECT_EQ(code_of(*program, good), "no error");
}

}  // namespace
}  // namespace strata::compiler
