// What the writer and the reader of a program file run it on, so that they can compare results.
#pragma once

#include <string>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/runtime/execute/executable.h"

namespace strata {

/// Numbers around 0 for each parameter, with `extent` for every symbolic axis.
inline std::vector<ir::HostArray> made_up_arguments(const runtime::Executable& program, int64_t extent) {
  std::vector<ir::HostArray> arguments;
  for (const ir::Node* parameter : program.plan().graph->parameters()) {
    std::vector<int64_t> shape;
    for (ir::Dim d : parameter->type().shape()) shape.push_back(d.is_constant() ? d.constant() : extent);
    ir::HostArray a(parameter->type().dtype(), std::move(shape));
    for (int64_t i = 0; i < a.elements(); ++i) a.set(i, static_cast<double>(i * 7 % 23) / 23 - 0.4);
    arguments.push_back(std::move(a));
  }
  return arguments;
}

inline std::string hash_of(const std::vector<ir::HostArray>& arrays) {
  base::Hash128 hash;
  for (const ir::HostArray& a : arrays) hash = base::combine(hash, base::hash_bytes(std::span(a.data(), a.bytes())));
  return hash.hex();
}

}  // namespace strata
