// How the operands, parameters and results of a scan are divided, as its attributes say it.
#pragma once

#include "strata/ops/control/control.h"

namespace strata::ops {

/// Operands and parameters are constants, then carries, then slices; results are carries, then stacked slices.
struct ScanParts {
  Dim length;
  size_t constants, carries, operands, results;
  ScanOrder order;

  explicit ScanParts(const Node& scan)
      : length(scan.attrs.dims("length")[0]),
        constants(scan.attrs.integer("constants")),
        carries(scan.attrs.integer("carries")),
        operands(scan.operand_count),
        results(scan.result_count),
        order(scan.attrs.flag("reverse") ? ScanOrder::Reverse : ScanOrder::Forward) {}

  size_t first_slice() const { return constants + carries; }
  bool is_constant(size_t operand) const { return operand < constants; }
  bool is_carry(size_t operand) const { return operand >= constants && operand < first_slice(); }
  bool is_slice(size_t operand) const { return operand >= first_slice(); }
  bool is_reverse() const { return order == ScanOrder::Reverse; }
};

}  // namespace strata::ops
