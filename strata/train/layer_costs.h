// What a compiled program costs, by the layers that recorded its ops.
#pragma once

#include <string>
#include <vector>

#include "strata/runtime/execute/executable.h"

namespace strata::train {

struct LayerCost {
  std::string path;         ///< of the layer: "conv1", "blocks.0.attention"; "" outside of any
  double flops = 0;         ///< all arithmetic
  double bytes = 0;         ///< read and written by its ops, as if nothing stayed in a cache
  double matrix_flops = 0;  ///< of dots and convolutions
};

/// In the order in which the layers first compute. `batch` stands for every symbolic dimension.
std::vector<LayerCost> layer_costs(const runtime::Executable& program, int64_t batch);

/// Sum of matrix_flops: what utilisation is measured by.
double matrix_flops(const runtime::Executable& program, int64_t batch);

}  // namespace strata::train
