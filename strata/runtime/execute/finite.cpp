#include "strata/runtime/execute/finite.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "strata/base/threads/thread_pool.h"
#include "strata/ir/host_array.h"

namespace strata::runtime {
namespace {

/// Elements that are looked at without a branch; as many tasks are worth a thread from kParallelElements on.
constexpr int64_t kBlock = 1024, kParallelElements = 1 << 18;

/// Exponent bits that are all set are NaN and infinity in every IEEE format. Whole blocks have a constant length, which
/// is what makes them vector code.
template <class Bits, Bits exponent>
bool is_part_finite(const std::byte* data, int64_t first, int64_t last) {
  const Bits* bits = reinterpret_cast<const Bits*>(data);
  Bits bad = 0;
  int64_t i = first;
  for (; i + kBlock <= last && bad == 0; i += kBlock)
    for (int64_t k = 0; k < kBlock; ++k) bad |= static_cast<Bits>((bits[i + k] & exponent) == exponent);
  for (; i < last; ++i) bad |= static_cast<Bits>((bits[i] & exponent) == exponent);
  return bad == 0;
}

using PartFinite = bool (*)(const std::byte*, int64_t first, int64_t last);

PartFinite reader_for(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::f64:
      return is_part_finite<uint64_t, ir::exponent_bits(ir::DType::f64)>;
    case ir::DType::f32:
      return is_part_finite<uint32_t, ir::exponent_bits(ir::DType::f32)>;
    case ir::DType::f16:
      return is_part_finite<uint16_t, ir::exponent_bits(ir::DType::f16)>;
    case ir::DType::bf16:
      return is_part_finite<uint16_t, ir::exponent_bits(ir::DType::bf16)>;
    default:
      return nullptr;
  }
}

}  // namespace

int64_t first_not_finite(const std::byte* data, ir::DType dtype, int64_t elements) {
  const PartFinite is_finite = reader_for(dtype);
  if (!is_finite && !ir::is_float(dtype)) return -1;
  std::atomic<bool> is_bad{!is_finite};
  const auto look = [&](int64_t first, int64_t last) {
    if (!is_finite(data, first, last)) is_bad.store(true, std::memory_order_relaxed);
  };
  if (is_finite && elements < kParallelElements)
    look(0, elements);
  else if (is_finite)
    base::ThreadPool::shared().run((elements + kBlock - 1) / kBlock, [&](base::TaskRange range) {
      look(range.begin * kBlock, std::min(elements, range.end * kBlock));
    });
  if (!is_bad) return -1;
  const ir::HostArray view(dtype, {elements},
                           std::shared_ptr<std::byte>(const_cast<std::byte*>(data), [](std::byte*) {}));
  for (int64_t i = 0; i < elements; ++i)
    if (!std::isfinite(view.get(i))) return i;
  return -1;
}

}  // namespace strata::runtime
