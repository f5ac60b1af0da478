// A dataset: a finite set of samples, each a function of its index (and, where it is augmented, of seed and epoch).
//
// Samples are written into memory that the loader gives, so a batch is collated without a copy in between. read() is
// called from several threads at once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/dtype.h"

namespace strata::data {

/// One array that each sample has; batches have it with an axis in front.
struct SampleField {
  std::string name;
  ir::DType dtype = ir::DType::f32;
  std::vector<int64_t> shape;

  int64_t bytes() const {
    int64_t bytes = ir::dtype_bytes(dtype);
    for (const int64_t extent : shape) bytes *= extent;
    return bytes;
  }
};

/// What randomness of a sample may depend on, besides its index.
struct Draw {
  uint64_t seed = 0;
  int64_t epoch = 0;
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Samples in an epoch.
  virtual int64_t size() const = 0;
  virtual const std::vector<SampleField>& fields() const = 0;
  /// Writes field f of sample `index` to places[f], which has fields()[f].bytes() bytes. May throw: the error reaches
  /// the consumer of the loader, once.
  virtual void read(int64_t index, Draw draw, std::span<std::byte* const> places) const = 0;
};

}  // namespace strata::data
