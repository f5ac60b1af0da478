// Algorithms by name for a whole program: graph to graph, each contraction that an algorithm fits computed by it. The
// others stay, and are reported with the reason: nothing is silent. What a program means changes by its rounding alone;
// each algorithm says how far (ops/contraction/winograd.h, the op `dot_flushed`).
//
// Contractions in calls, loops and branches count; those in bodies of composites and in functions with derivatives of
// their own stay, since these mean what their names say, and are reported. Of derivatives that are in the program
// already each convolution is one like any other.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ops/contraction/algorithms.h"

namespace strata::transform {

struct Algorithms {
  ops::ConvAlgorithm conv = ops::ConvAlgorithm::Direct;
  ops::DotAlgorithm dot = ops::DotAlgorithm::Direct;
  bool operator==(const Algorithms&) const = default;
};

/// "winograd_f2x3", "winograd_f4x3", "flushed_bf16". `origin` is what messages call the list ("--algorithms"). E0116
/// for another name, and for two of one op.
Algorithms algorithms_named(const std::vector<std::string>& names, std::string_view origin);

/// What became of each contraction that an algorithm was asked for, in the program's order.
struct AlgorithmReport {
  struct Entry {
    std::string contraction;  ///< "conv f32[1,64,56,56] by f32[64,64,3,3] (resnet.cpp:40 layer1.0.conv1)"
    std::string algorithm;
    std::string kept_because;  ///< empty: it is computed so
  };
  std::vector<Entry> entries;

  size_t changed() const;
  /// A line each, and in front of them how many of how many were changed.
  std::vector<std::string> lines() const;
};

/// The program with `algorithms` where they fit. A convolution of one channel for each group stays: there are no
/// products to save.
std::unique_ptr<ir::Graph> with_algorithms(const ir::Graph& graph, const Algorithms& algorithms,
                                           AlgorithmReport* report = nullptr);

}  // namespace strata::transform
