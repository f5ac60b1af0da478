// One number per spatial axis; a single number stands for all axes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/base/config/bounds.h"
#include "strata/tensor/tree/tree.h"

namespace strata::nn {

template <int spatial>
struct Extent {
  std::array<int64_t, spatial> sizes{};
  STRATA_FIELDS(sizes)

  Extent(int64_t size = 0) { sizes.fill(size); }
  Extent(int size) : Extent(static_cast<int64_t>(size)) {}
  template <class... More>
    requires(sizeof...(More) + 2 == spatial)
  Extent(int64_t first, int64_t second, More... more) : sizes{first, second, static_cast<int64_t>(more)...} {}

  int64_t operator[](int axis) const { return sizes[axis]; }
  Shape shape() const { return {sizes.begin(), sizes.end()}; }
  int64_t product() const {
    int64_t p = 1;
    for (int64_t s : sizes) p *= s;
    return p;
  }
};

/// Refuses "kernel[1]" of a layer by its bounds.
template <int spatial>
void check_extent(const base::OptionCheck& check, std::string_view field, const Extent<spatial>& extent,
                  const base::Bounds& bounds) {
  for (int a = 0; a < spatial; ++a)
    check.integer(std::string(field) + "[" + std::to_string(a) + "]", extent[a], bounds);
}

}  // namespace strata::nn
