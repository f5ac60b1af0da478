#include "strata/ops/conformance/sample_arrays.h"

#include <cmath>
#include <limits>

#include "strata/base/random/splitmix64.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/encoding/encode_array.h"

namespace strata::ops {

using ir::DType;
using Domain = ir::SampleOperand::Domain;

namespace {

/// Test data need no more than well-mixed bits.
struct Bits : base::SplitMix64 {
  using SplitMix64::SplitMix64;
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  double normal() { return std::sqrt(-2 * std::log(1 - unit())) * std::cos(6.283185307179586 * unit()); }
};

void set_special_float(ir::HostArray& a, int64_t i, Bits& bits) {
  const bool is_half = a.dtype() == DType::f16;
  const double largest = a.dtype() == DType::f64    ? std::numeric_limits<double>::max()
                         : a.dtype() == DType::f32  ? std::numeric_limits<float>::max()
                         : a.dtype() == DType::bf16 ? 0x1.fep127
                                                    : 65504;
  const double smallest = a.dtype() == DType::f64 ? 0x1p-1022 : is_half ? 0x1p-14 : 0x1p-126;
  const double values[] = {std::nan(""), HUGE_VAL, 0.0,          1.0, 0.5,  2.0,   3.0,
                           largest,      smallest, smallest / 8, 1.5, 20.0, 100.0, 1e-5};
  const double value = values[bits.next() % std::size(values)];
  a.set(i, bits.next() % 2 ? -value : value);
}

void set_special_int(ir::HostArray& a, int64_t i, Bits& bits) {
  const int width = ir::dtype_bytes(a.dtype()) * 8;
  const auto top = static_cast<int64_t>(uint64_t{1} << (width - 1));
  const int64_t values[] = {0,         1,    2, 3, 7, -1, -2, top, static_cast<int64_t>(static_cast<uint64_t>(top) - 1),
                            width - 1, width};
  a.set_int(i, values[bits.next() % std::size(values)]);
}

double float_value(Domain domain, Bits& bits, int64_t bound) {
  switch (domain) {
    case Domain::Positive:
      return bits.uniform(0.1, 4);
    case Domain::Unit:
      return bits.uniform(-0.95, 0.95);
    case Domain::Nonzero:
      return bits.uniform(0.5, 2) * (bits.next() % 2 ? 1 : -1);
    case Domain::Exact:
      return static_cast<double>(bits.next() % 17) * 0.5 - 4;
    case Domain::Index:
      return static_cast<double>(bits.next() % static_cast<uint64_t>(bound));
    case Domain::Normal:
    case Domain::Special:
      break;
  }
  return bits.normal();
}

int64_t int_value(DType t, Domain domain, Bits& bits, int64_t bound) {
  if (domain == Domain::Index) return bits.next() % static_cast<uint64_t>(bound);
  const bool is_signed = ir::is_signed_int(t) && domain != Domain::Positive;
  const int64_t value = bits.next() % 10;
  const int64_t shifted = is_signed ? value - 5 : value;
  if (domain == Domain::Nonzero || domain == Domain::Positive) return shifted >= 0 ? shifted + 1 : shifted;
  return shifted;
}

}  // namespace

ir::HostArray sample_array(const ir::SampleOperand& operand, uint64_t seed, int64_t dim) {
  std::vector<int64_t> shape;
  for (ir::Dim d : operand.type.shape())
    shape.push_back(d.is_constant() ? d.constant() : d.evaluate([dim](std::string_view) { return dim; }));
  Bits bits(base::mix_bits(seed + 1));
  const ir::Encoding encoding = operand.type.encoding();
  if (!encoding.is_plain() && (operand.domain == Domain::Special || !encoding.format()->encode)) {
    ir::HostArray any(encoding, shape);
    for (int64_t i = 0; i < any.bytes(); ++i) any.data()[i] = static_cast<std::byte>(bits.next() & 255);
    return any;
  }
  ir::HostArray a(encoding.value_dtype(), shape);
  for (int64_t i = 0; i < a.elements(); ++i) {
    if (ir::is_bool(a.dtype()))
      a.set_int(i, operand.domain == Domain::Nonzero || bits.next() % 2);
    else if (ir::is_float(a.dtype()) && operand.domain == Domain::Special)
      set_special_float(a, i, bits);
    else if (ir::is_float(a.dtype()))
      a.set(i, float_value(operand.domain, bits, operand.bound));
    else if (operand.domain == Domain::Special)
      set_special_int(a, i, bits);
    else
      a.set_int(i, int_value(a.dtype(), operand.domain, bits, operand.bound));
  }
  return encoding.is_plain() ? a : ir::encode_array(a, encoding);
}

std::vector<ir::HostArray> sample_arrays(const ir::Sample& sample, uint64_t seed, int64_t dim) {
  std::vector<ir::HostArray> arrays;
  for (size_t i = 0; i < sample.operands.size(); ++i)
    arrays.push_back(sample_array(sample.operands[i], seed + i * 7919, dim));
  return arrays;
}

std::shared_ptr<ir::Graph> sample_graph(const ir::Op& op, const ir::Sample& sample) {
  auto graph = std::make_shared<ir::Graph>(std::string(op.name));
  std::vector<ir::Value> operands;
  for (const auto& o : sample.operands) operands.push_back(graph->add_parameter(o.type));
  const ir::Node* node = graph->add(op, operands, sample.attrs, sample.regions);
  std::vector<ir::Value> results;
  for (uint32_t i = 0; i < node->result_count; ++i) results.push_back(node->result(i));
  graph->set_results(results);
  return graph;
}

}  // namespace strata::ops
