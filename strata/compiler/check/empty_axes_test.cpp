// Axes that turn out to be empty when a program runs: each op of the table with a symbolic extent of 0, natively
// against the interpreter, and the values and errors that NumPy's users expect.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/error_bounds.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/with_extents.h"
#include "strata/ops/conformance/naive_lowering.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::HostArray;

/// The results, or the code of the user's error.
struct Outcome {
  std::vector<HostArray> results;
  std::string code;
};

template <class F>
Outcome outcome_of(F&& run) {
  Outcome outcome;
  try {
    outcome.results = run();
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::User) throw;
    outcome.code = error.code();
  }
  return outcome;
}

// ---- the op table

/// The sample with a symbol in place of each extent that is `extent`.
struct SymbolicSample {
  ir::Sample sample;
  std::vector<ir::Shape> lists;  ///< what its attributes point to
};
SymbolicSample with_symbol(const ir::Sample& sample, int64_t extent) {
  const auto replaced = [extent](std::span<const Dim> dims) {
    ir::Shape shape(dims.begin(), dims.end());
    for (Dim& d : shape)
      if (d == Dim(extent)) d = Dim::symbol("E");
    return shape;
  };
  SymbolicSample made{sample, std::vector<ir::Shape>(sample.attrs.size())};
  for (ir::SampleOperand& o : made.sample.operands) o.type = o.type.with_shape(replaced(o.type.shape()));
  for (size_t i = 0; i < sample.attrs.size(); ++i) {
    if (sample.attrs[i].kind != ir::AttrKind::Dims) continue;
    made.lists[i] = replaced(sample.attrs[i].as_dims());
    made.sample.attrs[i] = ir::Attr(sample.attrs[i].name, std::span<const Dim>(made.lists[i]));
  }
  return made;
}

std::set<int64_t> extents_of(const ir::Sample& sample) {
  std::set<int64_t> extents;
  for (const ir::SampleOperand& o : sample.operands)
    for (Dim d : o.type.shape())
      if (d.is_constant() && d.constant() > 0) extents.insert(d.constant());
  return extents;
}

std::shared_ptr<ir::Graph> graph_or_null(const ir::Op& op, const ir::Sample& sample) {
  try {
    return ops::sample_graph(op, sample);
  } catch (const base::Error&) {
    return nullptr;  // the type rule wants a number there
  }
}

/// Within the tolerances of the op's block, or with the same error.
void check_program(const std::shared_ptr<ir::Graph>& graph, std::span<const HostArray> arguments,
                   const std::string& what) {
  const Outcome expected = outcome_of([&] { return ir::interpret(*graph, arguments); });
  const Outcome native = outcome_of([&] { return run_natively(graph, arguments); });
  EXPECT_EQ(native.code, expected.code) << what;
  if (!native.code.empty() || !expected.code.empty()) return;
  const auto difference = first_out_of_bounds(expected.results, native.results, error_bounds(*graph, arguments, 1));
  EXPECT_FALSE(difference) << what << ": " << difference.value_or("");
}

/// The loop interpreter refuses every address outside of a buffer, also one whose value would be dropped.
void check_loops(const ir::Graph& graph, std::span<const HostArray> arguments, const std::string& what) {
  std::vector<ir::Type> types;
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < arguments.size(); ++i) {
    types.push_back(graph.parameters()[i]->type());
    shapes.push_back(arguments[i].shape());
  }
  const ir::DimBinding dims(graph, types, shapes);
  try {
    const auto written = ir::with_extents(graph, dims);
    ops::run_lowered(*written->nodes().back(), arguments);
  } catch (const base::Error& error) {
    EXPECT_NE(error.code(), "E0125") << what << ": " << error.text();
  }
}

class EmptyAxes : public testing::TestWithParam<const ir::Op*> {};

TEST_P(EmptyAxes, NativeCodeGivesWhatTheInterpreterGives) {
  const ir::Op& op = *GetParam();
  if (!op.samples || !op.reference) GTEST_SKIP() << op.name << " has no samples or no reference";
  int checked = 0;
  for (const ir::Sample& sample : op.samples.fn()) {
    // One dtype walks the same loops as all.
    const bool is_f32 = !sample.operands.empty() && sample.operands[0].type.dtype() == DType::f32;
    if (op.types.has(DType::f32) && !is_f32) continue;
    if (checked >= 6) break;
    for (int64_t extent : extents_of(sample)) {
      const SymbolicSample symbolic = with_symbol(sample, extent);
      const auto graph = graph_or_null(op, symbolic.sample);
      if (!graph) continue;
      const auto arguments = ops::sample_arrays(symbolic.sample, 7, 0);
      const std::string what = ir::print_graph(*graph);
      check_program(graph, arguments, what);
      if (op.lower) check_loops(*graph, arguments, what);
      ++checked;
    }
  }
  if (checked == 0) GTEST_SKIP() << op.name << " has no extent that may be a symbol";
}

/// Whether the program has to be looked at again for this extent: a rule refuses it, or an axis is empty.
bool needs_a_look(const ir::Graph& graph, int64_t extent) {
  ir::DimBinding dims;
  dims.bind("E", extent);
  const Outcome written = outcome_of([&] {
    ir::with_extents(graph, dims);
    return std::vector<HostArray>{};
  });
  return !written.code.empty() || ir::smallest_extent(graph, dims) < 1;
}

TEST_P(EmptyAxes, ConditionsOfEntryFindWhatTheRulesRefuse) {
  const ir::Op& op = *GetParam();
  if (!op.samples) GTEST_SKIP() << op.name << " has no samples";
  int checked = 0;
  for (const ir::Sample& sample : op.samples.fn())
    for (int64_t extent : extents_of(sample)) {
      const SymbolicSample symbolic = with_symbol(sample, extent);
      const auto graph = graph_or_null(op, symbolic.sample);
      if (!graph) continue;
      const auto conditions = ir::entry_conditions(*graph, *graph);
      for (int64_t found = 0; found <= extent + 2; ++found) {
        if (!needs_a_look(*graph, found)) continue;
        const auto value_of = [&](std::string_view) { return found; };
        EXPECT_TRUE(std::ranges::any_of(
            conditions, [&](const ir::EntryCondition& c) { return c.value.evaluate(value_of) < c.lowest; }))
            << found << " for E in " << ir::print_graph(*graph);
      }
      ++checked;
    }
  if (checked == 0) GTEST_SKIP() << op.name << " has no extent that may be a symbol";
}

INSTANTIATE_TEST_SUITE_P(Ops, EmptyAxes, testing::ValuesIn(ops::all_ops().begin(), ops::all_ops().end()),
                         [](const auto& info) { return std::string(info.param->name); });

// ---- what they give, for every target

class EmptyAxesAt : public testing::TestWithParam<machine::CpuTarget> {
 protected:
  void SetUp() override {
    if (!machine::host_can_run(GetParam())) GTEST_SKIP() << "the host can't run this code";
  }
  /// What the program gives, natively and by the interpreter, which have to agree.
  Outcome run(const char* text, std::vector<HostArray> arguments) {
    const auto parsed = ir::parse_graph(text, ops::op_table());
    if (!parsed) throw parsed.error();
    const std::shared_ptr<ir::Graph> graph = *parsed;
    const Outcome native =
        outcome_of([&] { return run_natively(graph, arguments, {.target = &llvm_target_for(GetParam())}); });
    const Outcome expected = outcome_of([&] { return ir::interpret(*graph, arguments); });
    EXPECT_EQ(native.code, expected.code);
    EXPECT_EQ(first_difference(expected.results, native.results), std::nullopt);
    return native;
  }
};

HostArray ones(std::vector<int64_t> shape) {
  HostArray a(DType::f32, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set(i, 1);
  return a;
}
HostArray positions(std::vector<int64_t> shape, int64_t value) {
  HostArray a(DType::i64, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i) a.set_int(i, value);
  return a;
}
double total(const Outcome& o) {
  double sum = 0;
  for (int64_t i = 0; i < o.results.at(0).elements(); ++i) sum += o.results[0].get(i);
  return sum;
}

TEST_P(EmptyAxesAt, ConcatLeavesAnEmptyPartOut) {
  const char* text = R"(func @f(%x: f32[E,1000], %y: f32[3,1000]) -> f32[E + 3,1000] {
  %z = concat %x, %y {axis = 0}
  %e = exp %z
  return %e
})";
  EXPECT_FLOAT_EQ(total(run(text, {HostArray(DType::f32, {0, 1000}), HostArray(DType::f32, {3, 1000})})), 3000);
}

TEST_P(EmptyAxesAt, PadSurroundsNothing) {
  const char* text = R"(func @f(%x: f32[E,5], %v: f32[]) -> f32[E + 3,5] {
  %z = pad %x, %v {lo = [1, 0], hi = [2, 0], interior = [0, 0]}
  return %z
})";
  EXPECT_EQ(total(run(text, {HostArray(DType::f32, {0, 5}), ones({})})), 15);
}

TEST_P(EmptyAxesAt, AnEmptyPieceOfAFullArrayIsNotRead) {
  const char* text = R"(func @f(%x: f32[E], %v: f32[]) -> f32[E - 2] {
  %s = slice %x {start = [4], limit = [E], stride = [1]}
  %z = pad %s, %v {lo = [1], hi = [1], interior = [0]}
  return %z
})";
  EXPECT_EQ(total(run(text, {HostArray(DType::f32, {4}), ones({})})), 2);
  EXPECT_EQ(total(run(text, {ones({9}), HostArray(DType::f32, {})})), 5);
  EXPECT_EQ(run(text, {ones({3}), ones({})}).code, "E0116");
}

TEST_P(EmptyAxesAt, WindowsThatSeeOnlyPaddingGiveTheFoldsIdentity) {
  const char* text = R"(func @f(%x: f32[2,E]) -> (f32[2,E + 1], f32[2,E + 1], i64[2,E + 1]) {
  %s = window_sum %x {window = [1, 2], strides = [1, 1], pad_lo = [0, 1], pad_hi = [0, 1], dilation = [1, 1], batch = 0}
  %m = window_max %x {window = [1, 2], strides = [1, 1], pad_lo = [0, 1], pad_hi = [0, 1], dilation = [1, 1], batch = 0}
  %p = window_argmax %x {window = [1, 2], strides = [1, 1], pad_lo = [0, 1], pad_hi = [0, 1], dilation = [1, 1], batch = 0}
  return %s, %m, %p
})";
  const Outcome o = run(text, {HostArray(DType::f32, {2, 0})});
  ASSERT_EQ(o.results.size(), 3u);
  EXPECT_EQ(o.results[0].get(1), 0);
  EXPECT_EQ(o.results[1].get(1), -INFINITY);
  EXPECT_EQ(o.results[2].get_int(1), -1);
}

TEST_P(EmptyAxesAt, AConvolutionOfNothingButPaddingIsZero) {
  const char* text = R"(func @f(%x: f32[1,2,E,4], %w: f32[3,2,2,2]) -> f32[1,3,E + 1,3] {
  %y = conv %x, %w {strides = [1, 1], pad_lo = [1, 0], pad_hi = [1, 0], lhs_dilation = [1, 1], rhs_dilation = [1, 1], groups = 1, result = f32}
  return %y
})";
  const Outcome o = run(text, {HostArray(DType::f32, {1, 2, 0, 4}), ones({3, 2, 2, 2})});
  ASSERT_EQ(o.results.size(), 1u);
  EXPECT_EQ(o.results[0].elements(), 9);
  EXPECT_EQ(total(o), 0);
}

TEST_P(EmptyAxesAt, AWindowLargerThanTheImageGivesAnEmptyResult) {
  const char* text = R"(func @f(%x: f32[1,1,E,F], %w: f32[1,1,3,3]) -> f32[1,1,E - 2,F - 2] {
  %y = conv %x, %w {strides = [1, 1], pad_lo = [0, 0], pad_hi = [0, 0], lhs_dilation = [1, 1], rhs_dilation = [1, 1], groups = 1, result = f32}
  return %y
})";
  const Outcome o = run(text, {ones({1, 1, 1, 1}), ones({1, 1, 3, 3})});
  ASSERT_EQ(o.results.size(), 1u);
  EXPECT_EQ(o.results[0].shape(), (std::vector<int64_t>{1, 1, 0, 0}));
}

TEST_P(EmptyAxesAt, ArgmaxOfAnEmptyAxisIsTheUsersError) {
  const char* text = R"(func @f(%x: f32[E,4]) -> i64[4] {
  %y = argmax %x {axis = 0}
  return %y
})";
  EXPECT_EQ(run(text, {HostArray(DType::f32, {0, 4})}).code, "E0116");
  EXPECT_EQ(run(text, {ones({2, 4})}).code, "");
}

TEST_P(EmptyAxesAt, GatherFromAnEmptyAxisFillsFailsOrHasNoPositions) {
  const auto gathered = [&](const char* mode, int64_t count) {
    const std::string text = fmt::format(R"(func @f(%x: f32[E,2], %i: i64[N,1]) -> f32[N,2] {{
  %y = gather %x, %i {{axes = [0], batch = 0, mode = "{}", most = 0}}
  return %y
}})",
                                         mode);
    return run(text.c_str(), {HostArray(DType::f32, {0, 2}), positions({count, 1}, 0)});
  };
  EXPECT_EQ(total(gathered("fill", 3)), 0);
  EXPECT_EQ(gathered("clamp", 3).code, "E0116");
  EXPECT_EQ(gathered("clamp", 0).code, "");
  EXPECT_EQ(gathered("check", 3).code, "E0118");
  EXPECT_EQ(gathered("check", 0).code, "");
}

TEST_P(EmptyAxesAt, APositionOfWhichNothingIsReadIsNotChecked) {
  const char* text = R"(func @f(%x: f32[2,E], %i: i64[3,1]) -> f32[3,E] {
  %y = gather %x, %i {axes = [0], batch = 0, mode = "check", most = 0}
  return %y
})";
  EXPECT_EQ(run(text, {HostArray(DType::f32, {2, 0}), positions({3, 1}, 9)}).code, "");
  EXPECT_EQ(run(text, {ones({2, 1}), positions({3, 1}, 9)}).code, "E0118");
}

TEST_P(EmptyAxesAt, ABlockThatDoesNotFitIsTheUsersError) {
  const char* text = R"(func @f(%x: f32[E], %i: i64[]) -> f32[4] {
  %y = dynamic_slice %x, %i {sizes = [4]}
  return %y
})";
  EXPECT_EQ(run(text, {ones({2}), positions({}, 0)}).code, "E0116");
  EXPECT_EQ(run(text, {ones({0}), positions({}, 0)}).code, "E0116");
  EXPECT_EQ(total(run(text, {ones({4}), positions({}, 9)})), 4);
}

TEST_P(EmptyAxesAt, OneExecutableServesEmptyAndFullArrays) {
  const auto parsed = ir::parse_graph(R"(func @f(%x: f32[E,3], %y: f32[2,3]) -> f32[3] {
  %z = concat %x, %y {axis = 0}
  %s = reduce_sum %z {axes = [0]}
  return %s
})",
                                      ops::op_table());
  ASSERT_TRUE(parsed);
  const auto program = compile(*parsed, {.target = &llvm_target_for(GetParam())});
  for (int64_t rows : {0, 5, 0, 1}) EXPECT_EQ(program->run({ones({rows, 3}), ones({2, 3})})[0].get(2), rows + 2.0);
}

INSTANTIATE_TEST_SUITE_P(Levels, EmptyAxesAt, testing::ValuesIn(machine::kCpuTargets), [](const auto& info) {
  std::string name(info.param.name);
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace strata::compiler
