// Every pointwise function and its first derivatives at its ends, interpreted and compiled.
//
// f32 is compared with the golden numbers: within the ulp that the op's block declares, and for functions that are
// written with other ops within what activations.h promises. Half floats are compared with the f32 program of the same
// function: compiled code gives exactly the rounding of its f32 result, on all 65,536 numbers of the dtype; the
// interpreter, whose core ops round from f64, gives the rounding of a number within 1 ulp of its f32 result (on some).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include "strata/compiler/compile.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/list.h"
#include "strata/transform/gradient.h"
#include "tests/ends/golden_lines.h"

namespace strata::ends {
namespace {

using ir::DType;
using ir::HostArray;
using ops::Value;

/// One point of a sweep: operands, the golden value and the golden slope that is looked at.
struct Point {
  std::vector<double> x;
  double value, slope;
};
/// What a result may be off by beyond the ulp of the op: ulps, the size of terms that cancel, steps below normal.
struct Slack {
  double ulps = 0, scale = 0, steps = 0;
};
Slack none(const Point&) { return {}; }

struct Function {
  std::string name;
  std::function<Value(std::span<const Value>)> f;
  Slack (*value)(const Point&) = none;
  Slack (*slope)(const Point&) = none;
};

constexpr double kUlps = 4;  ///< of what has no block

/// x gate(x): the gate's exponent is off by its rounding; below the normal range each step of the gate counts x times.
Slack gated(const Point& p, double exponent) {
  return {2 * std::min(std::fabs(exponent), 200.0), 0, std::fabs(p.x[0]) + 1};
}
/// Its slope is gate + x gate', which cancel near the minimum.
Slack gated_slope(const Point& p, double exponent) {
  Slack s = gated(p, exponent);
  const double gate = p.x[0] == 0 ? 0.5 : p.value / p.x[0];
  if (std::isfinite(gate) && std::isfinite(p.slope)) s.scale = std::fabs(gate) + std::fabs(p.slope - gate);
  s.steps *= 4;
  return s;
}
double square(const Point& p) { return p.x[0] * p.x[0]; }
double gelu_tanh_exponent(const Point& p) { return 1.6 * (p.x[0] + 0.0447 * p.x[0] * square(p)); }

#define STRATA_ENDS_OP(name) {#name, [](std::span<const Value> v) { return ops::name(v[0]); }}
#define STRATA_ENDS_GATED(name, exponent)                                                                              \
  {#name, [](std::span<const Value> v) { return ops::name(v[0]); }, [](const Point& p) { return gated(p, exponent); }, \
   [](const Point& p) { return gated_slope(p, exponent); }}

const std::vector<Function>& unary() {
  static const auto* list = new std::vector<Function>{
      STRATA_ENDS_OP(neg),
      STRATA_ENDS_OP(abs),
      STRATA_ENDS_OP(sign),
      STRATA_ENDS_OP(floor),
      STRATA_ENDS_OP(ceil),
      STRATA_ENDS_OP(round),
      STRATA_ENDS_OP(trunc),
      STRATA_ENDS_OP(exp),
      STRATA_ENDS_OP(exp2),
      STRATA_ENDS_OP(expm1),
      STRATA_ENDS_OP(log),
      STRATA_ENDS_OP(log2),
      STRATA_ENDS_OP(log10),
      STRATA_ENDS_OP(log1p),
      STRATA_ENDS_OP(sqrt),
      STRATA_ENDS_OP(rsqrt),
      STRATA_ENDS_OP(cbrt),
      STRATA_ENDS_OP(sin),
      STRATA_ENDS_OP(cos),
      STRATA_ENDS_OP(tan),
      STRATA_ENDS_OP(tanh),
      STRATA_ENDS_OP(sigmoid),
      STRATA_ENDS_OP(sinh),
      STRATA_ENDS_OP(cosh),
      STRATA_ENDS_OP(reciprocal),
      STRATA_ENDS_OP(square),
      STRATA_ENDS_OP(relu),
      STRATA_ENDS_OP(relu6),
      STRATA_ENDS_OP(leaky_relu),
      STRATA_ENDS_OP(elu),
      STRATA_ENDS_OP(selu),
      STRATA_ENDS_OP(hard_sigmoid),
      STRATA_ENDS_OP(hard_swish),
      STRATA_ENDS_OP(softplus),
      STRATA_ENDS_OP(log_sigmoid),
      STRATA_ENDS_OP(softsign),
      STRATA_ENDS_GATED(gelu, 1 + square(p) / 2),
      STRATA_ENDS_GATED(gelu_tanh, gelu_tanh_exponent(p)),
      STRATA_ENDS_GATED(quick_gelu, 1.7 * p.x[0]),
      STRATA_ENDS_GATED(silu, 0),
      STRATA_ENDS_GATED(mish, 0),
      {"erf", [](auto v) { return ops::erf(v[0]); }, none, [](const Point& p) { return Slack{square(p)}; }},
      {"erfc", [](auto v) { return ops::erfc(v[0]); }, none, [](const Point& p) { return Slack{square(p)}; }},
      {"erf_inv", [](auto v) { return ops::erf_inv(v[0]); }, none,
       [](const Point& p) { return Slack{8 * std::min(100.0, p.value * p.value)}; }},
      {"cube", [](auto v) { return ops::pow(v[0], 3); }},
      {"power_17", [](auto v) { return ops::pow(v[0], 17); }},
  };
  return *list;
}

const std::vector<Function>& binary() {
  static const auto* list = new std::vector<Function>{
      {"pow", [](auto v) { return ops::pow(v[0], v[1]); }},
      {"atan2", [](auto v) { return ops::atan2(v[0], v[1]); }},
      {"log_add_exp", [](auto v) { return ops::log_add_exp(v[0], v[1]); }},
      {"mse", [](auto v) { return ops::mse(v[0], v[1], ops::Reduction::None); }},
      {"l1", [](auto v) { return ops::l1(v[0], v[1], ops::Reduction::None); }},
      {"huber", [](auto v) { return ops::huber(v[0], v[1], 1, ops::Reduction::None); }},
      {"bce", [](auto v) { return ops::bce(v[0], v[1], ops::Reduction::None); }},
      {"bce_with_logits", [](auto v) { return ops::bce_with_logits(v[0], v[1], ops::Reduction::None); }, none,
       [](const Point& p) { return Slack{0, p.x[0] > 0 ? 1 - p.x[1] : p.x[1]}; }},
      {"kl_div", [](auto v) { return ops::kl_div(v[0], v[1], ops::Reduction::None); }},
  };
  return *list;
}

double ulps_of(const std::string& name) {
  const ir::Op* op = ops::op_table().find(name);
  return op && op->tolerance.kind == ir::Tolerance::Kind::Ulp ? std::max(op->tolerance.amount, kUlps) : kUlps;
}

/// (operands) -> (value, slope by each operand)
std::shared_ptr<ir::Graph> program(const Function& f, DType t, int operands, int64_t n) {
  auto graph = std::make_shared<ir::Graph>(f.name);
  std::vector<Value> x;
  for (int i = 0; i < operands; ++i) x.push_back(graph->add_parameter(ir::Type::of(t, {ir::Dim(n)})));
  const Value y = f.f(x), one = ops::ones_like(y);
  std::vector<Value> results{y};
  for (Value g : transform::append_vjp(*graph, {&y, 1}, {&one, 1}, x)) results.push_back(g);
  graph->set_results(results);
  return graph;
}

enum class By { Interpreter, CompiledCode };
std::vector<HostArray> run(By by, const Function& f, DType t, const std::vector<std::vector<double>>& operands) {
  std::vector<HostArray> arrays;
  for (const auto& x : operands) arrays.push_back(array_of(t, x));
  const auto graph = program(f, t, operands.size(), std::ssize(operands[0]));
  return by == By::Interpreter ? ir::interpret(*graph, arrays) : compiler::compile(graph)->run(std::move(arrays));
}

std::vector<std::vector<double>> columns(const std::vector<GoldenLine>& lines, size_t operands) {
  std::vector<std::vector<double>> all(operands);
  for (const GoldenLine& line : lines)
    for (size_t i = 0; i < operands; ++i) all[i].push_back(rounded(DType::f32, line.numbers[i]));
  return all;
}

/// f32 within ulps, f64 to the digits that the golden numbers have.
bool is_golden(const Function& f, DType t, const Slack& slack, double exact, double found) {
  if (t == DType::f64) return has_digits_of(exact, found, slack.scale);
  return is_near(exact, found, ulps_of(f.name) + slack.ulps, slack.scale, slack.steps);
}

void expect_golden(const Function& f, DType t, size_t operands, const std::string& file) {
  const auto lines = golden_lines(file, f.name);
  ASSERT_FALSE(lines.empty()) << "run tools/golden/ends.py for " << f.name;
  for (By by : {By::Interpreter, By::CompiledCode}) {
    const auto results = run(by, f, t, columns(lines, operands));
    for (size_t i = 0; i < lines.size(); ++i)
      for (size_t r = 0; r <= operands; ++r) {
        const auto& n = lines[i].numbers;
        const Point p{{n.begin(), n.begin() + operands}, n[operands], n[operands + r]};
        const double exact = n[operands + r], found = results[r].get(i);
        EXPECT_TRUE(is_golden(f, t, r == 0 ? f.value(p) : f.slope(p), exact, found))
            << (by == By::CompiledCode ? "compiled " : "interpreted ") << f.name << testing::PrintToString(p.x)
            << (r ? ": slope " + std::to_string(r) + " is " : " is ") << found << ", exactly " << exact;
      }
  }
}

/// Every `step`-th of the numbers of a half float dtype.
std::vector<double> numbers_of(DType t, uint32_t step) {
  std::vector<double> all;
  for (uint32_t bits = 0; bits < 65536; bits += step)
    all.push_back(t == DType::f16 ? ir::f16_value(static_cast<uint16_t>(bits))
                                  : ir::bf16_value(static_cast<uint16_t>(bits)));
  return all;
}

void expect_rounded_once(By by, const Function& f, DType t, const std::vector<std::vector<double>>& operands) {
  const auto half = run(by, f, t, operands), wide = run(by, f, DType::f32, operands);
  int wrong = 0;
  for (size_t r = 0; r < half.size(); ++r)
    for (int64_t i = 0; i < half[r].elements() && wrong < 4; ++i) {
      if (is_rounding_of(t, wide[r].get(i), half[r].get(i), by == By::Interpreter ? 1 : 0)) continue;
      ++wrong;
      ADD_FAILURE() << (by == By::CompiledCode ? "compiled " : "interpreted ") << f.name << " in " << ir::dtype_name(t)
                    << " of " << operands[0][i] << ", result " << r << ": " << half[r].get(i) << " from "
                    << wide[r].get(i);
    }
}

class Unary : public testing::TestWithParam<Function> {};
TEST_P(Unary, F32IsTheGoldenNumber) { expect_golden(GetParam(), DType::f32, 1, "unary"); }
TEST_P(Unary, F64HasTheGoldenDigits) { expect_golden(GetParam(), DType::f64, 1, "unary"); }
TEST_P(Unary, HalfFloatsRoundOnce) {
  for (DType t : {DType::f16, DType::bf16}) {
    expect_rounded_once(By::CompiledCode, GetParam(), t, {numbers_of(t, 1)});
    expect_rounded_once(By::Interpreter, GetParam(), t, {numbers_of(t, 61)});
  }
}
const auto kName = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Ends, Unary, testing::ValuesIn(unary()), kName);

class Binary : public testing::TestWithParam<Function> {};
TEST_P(Binary, F32IsTheGoldenNumber) { expect_golden(GetParam(), DType::f32, 2, "binary"); }
TEST_P(Binary, F64HasTheGoldenDigits) { expect_golden(GetParam(), DType::f64, 2, "binary"); }
TEST_P(Binary, HalfFloatsRoundOnce) {
  for (DType t : {DType::f16, DType::bf16}) {
    auto operands = columns(golden_lines("binary", GetParam().name), 2);
    for (auto& column : operands)
      for (double& x : column) x = rounded(t, x);
    for (By by : {By::Interpreter, By::CompiledCode}) expect_rounded_once(by, GetParam(), t, operands);
  }
}
INSTANTIATE_TEST_SUITE_P(Ends, Binary, testing::ValuesIn(binary()), kName);

/// What is left out of the sweep, and why.
bool is_left_out(std::string_view name) {
  static const std::set<std::string_view> kExact{"add", "sub", "mul", "div", "rem", "maximum", "minimum"};
  static const std::set<std::string_view> kMoves{"cast", "bitcast", "stop_gradient", "not"};
  return kExact.contains(name) || kMoves.contains(name);
}

TEST(Sweep, HasEveryPointwiseOpOnFloats) {
  std::set<std::string> swept;
  for (const auto* list : {&unary(), &binary()})
    for (const Function& f : *list) swept.insert(f.name);
  for (const ir::Op* op : ops::all_ops()) {
    const bool gives_floats = op->is_pointwise && op->jvp && op->types.has(DType::f32) && op->operands_max <= 2 &&
                              op->tolerance.kind != ir::Tolerance::Kind::Sum;
    static const std::set<std::string_view> kGiveBool{"eq", "ne", "lt", "le", "gt", "ge", "is_finite"};
    if (!gives_floats || is_left_out(op->name) || kGiveBool.contains(op->name)) continue;
    EXPECT_TRUE(swept.contains(std::string(op->name))) << op->name << " has no line in tools/golden/ends.py";
  }
}

TEST(Sweep, HasEveryActivationAndLossOfTheHeaders) {
  std::set<std::string> swept{"is_nan", "is_inf"};
  for (const auto* list : {&unary(), &binary()})
    for (const Function& f : *list) swept.insert(f.name);
  for (const char* path : {"strata/ops/elementwise/activations.h", "strata/ops/composites/loss.h"}) {
    std::ifstream in(path);
    ASSERT_TRUE(in) << path;
    int found = 0;
    const std::regex declared("^(?:Value (?=\\w+\\(Value )|STRATA_(?:FUNCTION|ACTIVATION)\\()(\\w+).*");
    for (std::string line; std::getline(in, line);)
      if (std::smatch m; std::regex_match(line, m, declared)) {
        ++found;
        EXPECT_TRUE(swept.contains(m[1])) << m[1] << " has no line in tools/golden/ends.py";
      }
    EXPECT_GT(found, 5);
  }
}

}  // namespace
}  // namespace strata::ends
