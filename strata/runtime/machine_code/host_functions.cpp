#include "strata/runtime/machine_code/host_functions.h"

#include <cmath>
#include <cstring>

#include "strata/ir/loops/huge_angle.h"

namespace strata::runtime {
namespace {

struct HostFunction {
  std::string_view name;
  const void* address;
};

template <class Result, class... Args>
const void* address_of(Result (*function)(Args...)) {
  return reinterpret_cast<const void*>(function);
}

using F32 = float (*)(float);
using F64 = double (*)(double);

}  // namespace

std::optional<const void*> host_function(std::string_view name) {
  // The C library's versions choose FMA hardware themselves where the CPU has it.
  static const HostFunction kFunctions[] = {
      {"fmaf", address_of(static_cast<float (*)(float, float, float)>(::fmaf))},
      {"fma", address_of(static_cast<double (*)(double, double, double)>(::fma))},
      {"fmodf", address_of(static_cast<float (*)(float, float)>(::fmodf))},
      {"fmod", address_of(static_cast<double (*)(double, double)>(::fmod))},
      {"floorf", address_of(static_cast<F32>(::floorf))},
      {"floor", address_of(static_cast<F64>(::floor))},
      {"ceilf", address_of(static_cast<F32>(::ceilf))},
      {"ceil", address_of(static_cast<F64>(::ceil))},
      {"truncf", address_of(static_cast<F32>(::truncf))},
      {"trunc", address_of(static_cast<F64>(::trunc))},
      // glibc's roundeven needs a newer feature macro than C++20 sets; nearbyint is the same in the default rounding
      // mode.
      {"roundevenf", address_of(static_cast<F32>(::nearbyintf))},
      {"roundeven", address_of(static_cast<F64>(::nearbyint))},
      {"strata_huge_angle", address_of(&ir::loops::huge_angle)},
      {"strata_huge_quadrant", address_of(&ir::loops::huge_quadrant)},
      {"memcpy", address_of(static_cast<void* (*)(void*, const void*, size_t)>(::memcpy))},
      {"memmove", address_of(static_cast<void* (*)(void*, const void*, size_t)>(::memmove))},
      {"memset", address_of(static_cast<void* (*)(void*, int, size_t)>(::memset))},
  };
  for (const HostFunction& f : kFunctions)
    if (f.name == name) return f.address;
  return std::nullopt;
}

}  // namespace strata::runtime
