// Whether two programs mean the same, found out by running both in the tensor interpreter on random arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::compiler {

/// Arguments for a program: extents that its facts allow, the same for the same seed. Programs with discrete ops
/// (floor, compare, argmax, casts to integers) get small exactly representable numbers, so that rounding can't flip
/// them; others standard normal ones. Integers are small and not negative, so that they can serve as indices. Every
/// third seed mixes NaN, infinities and zeros of both signs into the floats.
std::vector<ir::HostArray> random_arguments(const ir::Graph& graph, uint64_t seed);

/// The same without NaN and infinities, for who asks whether the program makes some.
std::vector<ir::HostArray> finite_arguments(const ir::Graph& graph, uint64_t seed);

/// Says where two lists of arrays differ in dtype, shape or bits; any NaN equals any NaN.
std::optional<std::string> first_difference(std::span<const ir::HostArray> expected,
                                            std::span<const ir::HostArray> found);

/// `runs` sets of random arguments, of this seed and those behind it.
std::vector<std::vector<ir::HostArray>> random_argument_sets(const ir::Graph& graph, int runs = 3, uint64_t seed = 1);

/// Runs both on these arguments; says how they differ, or that one fails where the other does not. Text that the
/// programs print counts as well.
std::optional<std::string> find_inequivalence_on(const ir::Graph& before, const ir::Graph& after,
                                                 std::span<const ir::HostArray> arguments);

/// The same on `runs` sets of random arguments.
std::optional<std::string> find_inequivalence(const ir::Graph& before, const ir::Graph& after, int runs = 3,
                                              uint64_t seed = 1);

}  // namespace strata::compiler
