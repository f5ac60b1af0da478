// Each op's samples lowered alone and run by the loop interpreter, against the reference rule within the block's
// tolerance.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ops/conformance/naive_lowering.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/conformance/ulp_distance.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/handle.h"

namespace strata::ops {
namespace {

/// Error of one element in units of the tolerance; at most 1 is fine.
double excess(const ir::Op& op, const HostArray& expected, const HostArray& actual, int64_t i, double sum_of_terms) {
  const DType t = expected.dtype();
  if (!ir::is_float(t)) return expected.get_int(i) == actual.get_int(i) ? 0 : INFINITY;
  const double e = expected.get(i), a = actual.get(i);
  if (std::isnan(e) || std::isnan(a)) return std::isnan(e) && std::isnan(a) ? 0 : INFINITY;
  if (e == a && std::signbit(e) == std::signbit(a)) return 0;
  switch (op.tolerance.kind) {
    case ir::Tolerance::Kind::Exact:
      return INFINITY;
    case ir::Tolerance::Kind::Ulp:
      return ulp_distance(t, e, a) / op.tolerance.amount;
    case ir::Tolerance::Kind::Sum:
      break;
  }
  return std::fabs(e - a) / (op.tolerance.amount * epsilon_of(t) * sum_of_terms);
}

/// Each result's sum of |terms|: the op on the magnitudes of its float operands. In f64, so that nothing is rounded
/// away or overflows.
std::vector<HostArray> sums_of_terms(const ir::Op& op, const ir::Sample& sample, std::span<const HostArray> operands) {
  ir::Sample wide = sample;
  std::vector<HostArray> magnitudes;
  for (size_t k = 0; k < operands.size(); ++k) {
    const HostArray x = operands[k].decoded();
    if (!ir::is_float(x.dtype())) {
      magnitudes.push_back(x);
      continue;
    }
    wide.operands[k].type = wide.operands[k].type.with_dtype(DType::f64);
    HostArray& m = magnitudes.emplace_back(DType::f64, x.shape());
    for (int64_t i = 0; i < x.elements(); ++i) m.set(i, std::fabs(x.get(i)));
  }
  for (ir::Attr& a : wide.attrs)
    if (a.kind == ir::AttrKind::Type && ir::is_float(a.dtype)) a = ir::Attr(a.name, DType::f64);
  return ir::interpret(*sample_graph(op, wide), magnitudes);
}

void check_sample(const ir::Op& op, const ir::Sample& sample, size_t number) {
  const auto graph = sample_graph(op, sample);
  const auto arguments = sample_arrays(sample, number + 1);
  auto expected = ir::interpret(*graph, arguments);
  auto actual = run_lowered(*graph->nodes().back(), arguments);
  for (auto* results : {&expected, &actual})
    for (HostArray& a : *results) a = a.stored();
  const bool is_sum = op.tolerance.kind == ir::Tolerance::Kind::Sum && ir::is_float(expected[0].dtype());
  const auto terms = is_sum ? sums_of_terms(op, sample, arguments) : std::vector<HostArray>{};
  for (size_t r = 0; r < expected.size(); ++r)
    for (int64_t i = 0; i < expected[r].elements(); ++i) {
      const double units = excess(op, expected[r], actual[r], i, is_sum ? terms[r].get(i) : 0);
      if (units <= 1) continue;
      std::string operands;
      for (const HostArray& a : arguments)
        if (!a.is_encoded() && a.elements() == expected[r].elements()) operands += " " + std::to_string(a.get(i));
      ADD_FAILURE() << op.name << " sample " << number << " result " << r << " " << ir::dtype_name(expected[r].dtype())
                    << " element " << i << ": expected " << expected[r].get(i) << ", lowered gave " << actual[r].get(i)
                    << ", " << units << " tolerances off; operands" << operands;
      return;
    }
}

class Lowered : public testing::TestWithParam<const ir::Op*> {};

TEST_P(Lowered, EverySampleAgreesWithTheReference) {
  const ir::Op& op = *GetParam();
  if (!op.lower) GTEST_SKIP() << op.name << " is not lowered: " << op.lower.reason;
  if (!op.samples) GTEST_SKIP() << op.name << " has no samples: " << op.samples.reason;
  const auto samples = op.samples.fn();
  for (size_t i = 0; i < samples.size(); ++i) check_sample(op, samples[i], i);
}

INSTANTIATE_TEST_SUITE_P(Ops, Lowered, testing::ValuesIn(all_ops().begin(), all_ops().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace strata::ops
