// For tests: a node of each op built from its samples, and its rules run against the interpreter.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "strata/ir/interpret.h"
#include "strata/ops/list.h"
#include "strata/ops/rules.h"

namespace strata::ops::rule_checks {

using ir::DType;
using ir::HostArray;
using ir::Node;
using ir::Op;
using ir::Sample;
using ir::Type;
using ir::Value;

/// The sample's operands with floats replaced by f64, so that differences measure the rule and not the rounding.
inline Sample in_f64(Sample s) {
  for (auto& o : s.operands)
    if (ir::is_float(o.type.dtype())) o.type = o.type.with_dtype(DType::f64);
  for (auto& a : s.attrs)
    if (a.kind == ir::AttrKind::Type && ir::is_float(a.dtype)) a.dtype = DType::f64;
  return s;
}

inline std::vector<int64_t> constant_shape(Type t) {
  std::vector<int64_t> shape;
  for (ir::Dim d : t.shape()) shape.push_back(d.constant());
  return shape;
}

/// Values for an operand. Numbers for `Exact` are distinct neighbours in disorder: ties have no two-sided derivative.
inline HostArray random_array(const ir::SampleOperand& o, std::mt19937& rng) {
  HostArray a(o.type.dtype(), constant_shape(o.type));
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < a.elements(); ++i) {
    if (o.domain == ir::SampleOperand::Domain::Index)
      a.set_int(i, static_cast<int64_t>(rng() % static_cast<uint64_t>(o.bound)));
    else if (ir::is_float(a.dtype()))
      a.set(i, normal(rng));
    else
      a.set_int(i, static_cast<int64_t>(rng() % 3));
  }
  return a;
}

inline HostArray random_like(Type t, std::mt19937& rng) { return random_array({t}, rng); }

inline double inner(const HostArray& a, const HostArray& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.elements(); ++i) sum += a.get(i) * b.get(i);
  return sum;
}

/// A graph whose parameters are the sample's operands and whose last node is the op.
struct NodeGraph {
  ir::Graph graph{"sample"};
  Node* node = nullptr;
  std::vector<Value> operands;
  NodeGraph(const Op& op, const Sample& s) {
    for (const auto& o : s.operands) operands.push_back(graph.add_parameter(o.type));
    node = graph.add(op, operands, s.attrs, s.regions);
  }
};

}  // namespace strata::ops::rule_checks
