// One declaration for both forms of a user function:
//
//   /// x with two of its axes exchanged.
//   STRATA_FUNCTION(swap_axes, (x), (int64_t a, int64_t b), (a, b))
//
//   Value swap_axes(Value x, int64_t a, int64_t b);                                  what it means, in a .cpp file
//   template <Handle V> V swap_axes(V x, int64_t a, int64_t b, Source at = ...);     what users call
//
// The operands, up to five, come first; the parameters with their defaults follow, and last how they are handed on.
#pragma once

#include "strata/ops/operands/handle.h"

#define STRATA_FUNCTION(name, operands, parameters, arguments)                                      \
  Value name(STRATA_EACH(Value, STRATA_LIST operands) STRATA_REST parameters);                      \
  template <Handle V>                                                                               \
  V name(STRATA_EACH(V, STRATA_LIST operands) STRATA_REST parameters, Source at = Source::here()) { \
    const auto f = [&](STRATA_EACH(Value, STRATA_LIST operands)) {                                  \
      return name(STRATA_LIST operands STRATA_REST arguments);                                      \
    };                                                                                              \
    return lift<V>(at, f, STRATA_LIST operands);                                                    \
  }

#define STRATA_LIST(...) __VA_ARGS__
#define STRATA_REST(...) __VA_OPT__(, ) __VA_ARGS__
/// Each of up to five names, with a type in front.
#define STRATA_EACH(Type, ...) STRATA_EACH_OF(Type, __VA_ARGS__)
#define STRATA_EACH_OF(Type, a, ...) Type a __VA_OPT__(, STRATA_EACH_2(Type, __VA_ARGS__))
#define STRATA_EACH_2(Type, a, ...) Type a __VA_OPT__(, STRATA_EACH_3(Type, __VA_ARGS__))
#define STRATA_EACH_3(Type, a, ...) Type a __VA_OPT__(, STRATA_EACH_4(Type, __VA_ARGS__))
#define STRATA_EACH_4(Type, a, ...) Type a __VA_OPT__(, Type __VA_ARGS__)
