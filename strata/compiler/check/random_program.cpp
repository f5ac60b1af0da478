#include "strata/compiler/check/random_program.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "strata/base/error/error.h"
#include "strata/base/random/splitmix64.h"
#include "strata/ir/interpret.h"
#include "strata/ops/creation.h"
#include "strata/ops/elementwise.h"
#include "strata/ops/sample_arrays.h"
#include "strata/ops/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Node;
using ir::Op;
using ir::Type;
using ir::Value;

namespace {

class Dice : public base::SplitMix64 {
 public:
  explicit Dice(uint64_t seed) : SplitMix64(seed * base::kGoldenRatio64 + 0x1234567) {}
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[below(list.size())];
  }
};

/// A gather from an axis of extent 0 has no element to clamp to: its result is not compared.
bool has_nothing_to_pick(const Value& v, const Op& op) {
  return op.family == "index" && std::ranges::any_of(v.shape(), [](Dim d) { return d == Dim(0); });
}

bool is_static_sample(const ir::Sample& sample) {
  return std::ranges::all_of(sample.operands, [](const ir::SampleOperand& o) { return o.type.is_static(); });
}

class Maker {
 public:
  Maker(uint64_t seed, std::span<const Op* const> ops)
      : dice_(seed), seed_(seed), graph_(std::make_shared<Graph>("random")) {
    for (const Op* op : ops) {
      if (!op->samples || !op->reference || op->effect != ir::Effect::None) continue;
      if (op == &ops::kBitcast) continue;  // shows the payload of a NaN, which is nobody's promise
      auto samples = op->samples.fn();
      std::erase_if(samples, [](const ir::Sample& s) { return !is_static_sample(s); });
      if (!samples.empty()) ops_.push_back({op, std::move(samples)});
    }
  }

  RandomProgram make(int nodes) {
    const Dim batch = Dim::symbol("B");
    graph_->facts().add({"B", 1, 64, 1});
    const DType main = dice_.one_in(5)   ? DType::f16
                       : dice_.one_in(5) ? DType::bf16
                       : dice_.one_in(4) ? DType::f64
                                         : DType::f32;
    batch_ = 2 + static_cast<int64_t>(dice_.below(6));
    add_parameter({Type::of(main, {batch, Dim(3 + static_cast<int64_t>(dice_.below(38)))})});
    add_parameter({Type::of(main, {Dim(2), Dim(3), Dim(5)})});
    if (dice_.one_in(2)) add_parameter({Type::of(DType::i32, {Dim(7)})});
    for (int i = 0; i < nodes; ++i) {
      if (dice_.below(3) < 2)
        add_pointwise();
      else
        add_sample();
    }
    choose_results();
    return {graph_, std::move(arguments_)};
  }

 private:
  struct Choice {
    const Op* op;
    std::vector<ir::Sample> samples;
  };

  Value add_parameter(const ir::SampleOperand& operand) {
    arguments_.push_back(ops::sample_array(operand, seed_ * 31 + arguments_.size(), batch_));
    values_.push_back(graph_->add_parameter(operand.type));
    return values_.back();
  }

  /// Some value, the later ones more often.
  Value some_value() {
    const size_t a = dice_.below(values_.size()), b = dice_.below(values_.size());
    return values_[std::max(a, b)];
  }

  void add_pointwise() {
    const Choice& choice = dice_.pick(ops_);
    const Op& op = *choice.op;
    if (!op.is_pointwise || !op.attrs.empty()) return add_sample_of(choice);
    const ir::Sample& sample = dice_.pick(choice.samples);
    const Value first = some_value();
    std::vector<Value> operands;
    for (const ir::SampleOperand& o : sample.operands) {
      Value v = operands.empty()  ? first
                : dice_.one_in(3) ? ops::scalar_like(first, small_number(first.dtype()))
                                  : some_value();
      const bool is_choice = &op == &ops::kSelect && operands.empty();
      const DType wanted = is_choice                                             ? DType::boolean
                           : op.types.has(first.dtype()) || &op == &ops::kSelect ? first.dtype()
                                                                                 : o.type.dtype();
      operands.push_back(with_shape(with_dtype(v, wanted), first.shape()));
    }
    record(op, operands, {}, {});
  }

  double small_number(DType t) { return ir::is_bool(t) ? 1.0 : static_cast<double>(dice_.below(4)); }

  void add_sample() { add_sample_of(dice_.pick(ops_)); }
  void add_sample_of(const Choice& choice) {
    const ir::Sample& sample = dice_.pick(choice.samples);
    std::vector<Value> operands;
    for (const ir::SampleOperand& o : sample.operands) {
      // Indices have to be in range, and special values are what the block's own tests are for.
      const bool is_fresh = o.domain == ir::SampleOperand::Domain::Index || dice_.one_in(8);
      operands.push_back(is_fresh ? add_parameter(o)
                                  : with_shape(with_dtype(some_value(), o.type.dtype()), o.type.shape()));
    }
    if (!operands.empty() && has_nothing_to_pick(operands[0], *choice.op)) return;
    record(*choice.op, operands, sample.attrs, sample.regions);
  }

  void record(const Op& op, std::span<const Value> operands, std::span<const ir::Attr> attrs,
              std::span<const ir::GraphRef> regions) {
    const Node* node = graph_->add(op, operands, attrs, regions);
    for (uint32_t i = 0; i < node->result_count; ++i) values_.push_back(node->result(static_cast<int>(i)));
  }

  Value with_dtype(Value v, DType t) {
    if (v.dtype() == t) return v;
    return graph_->add1(ops::kCast, {v}, {ir::Attr("to", t)});
  }

  /// v's elements in a shape: broadcast where that fits, else the first so many of them, with zeros behind.
  Value with_shape(Value v, std::span<const Dim> shape) {
    if (std::ranges::equal(v.shape(), shape)) return v;
    if (v.rank() == 0) return ops::broadcast_to(v, shape);
    const Dim wanted = ir::product(shape), there = v.type().elements();
    const Value flat = ops::flatten(v);
    if (wanted == there) return ops::reshape(flat, ir::Shape(shape.begin(), shape.end()));
    // Symbolic extents: pad by what is wanted, then slice, so that it fits for every binding.
    const Value long_enough =
        ops::pad(flat, graph_->add1(ops::kCast, {ops::scalar(*graph_, DType::i32, 0)}, {ir::Attr("to", v.dtype())}),
                 {{0, wanted, 0}});
    return ops::reshape(ops::slice(long_enough, {{0, wanted, 1}}), ir::Shape(shape.begin(), shape.end()));
  }

  void choose_results() {
    std::vector<Value> results{values_.back()};
    for (int i = 0; i < 2; ++i)
      if (const Value v = some_value(); dice_.one_in(2) && std::ranges::find(results, v) == results.end())
        results.push_back(v);
    graph_->set_results(results);
  }

  Dice dice_;
  uint64_t seed_;
  std::shared_ptr<Graph> graph_;
  std::vector<Choice> ops_;
  std::vector<Value> values_;
  std::vector<HostArray> arguments_;
  int64_t batch_ = 3;
};

double epsilon_of(DType t) {
  return t == DType::f64 ? 0x1p-52 : t == DType::f32 ? 0x1p-23 : t == DType::f16 ? 0x1p-10 : 0x1p-7;
}
double smallest_of(DType t) {
  return t == DType::f64 ? 0x1p-1074 : t == DType::f16 ? 0x1p-24 : t == DType::bf16 ? 0x1p-133 : 0x1p-149;
}

/// What a value has been so far.
struct Extent {
  double largest = 0;  ///< magnitude of finite elements
  double terms = 1;    ///< elements
};

/// Interpreter runs in which the results of inexact nodes move by up to their tolerance, also those inside of regions:
/// a fused program is as inexact as the one that it was fused from.
class Shaker {
 public:
  Shaker(const Graph& graph, std::span<const HostArray> arguments, uint64_t seed)
      : graph_(graph), arguments_(arguments), dice_(seed) {
    find_owners(graph);
  }

  std::vector<HostArray> run() {
    for (size_t i = 0; i < arguments_.size(); ++i) note(*graph_.parameters()[i], {&arguments_[i], 1});
    ir::InterpretOptions options;
    options.observe = [this](const Node& node, std::span<const HostArray> results) { shake(node, results); };
    return ir::interpret(graph_, arguments_, options);
  }

 private:
  void find_owners(const Graph& graph) {
    for (const Node* node : graph.nodes())
      for (const ir::GraphRef& region : node->regions()) {
        owners_[region.get()] = node;
        find_owners(*region);
      }
  }

  void note(const Node& node, std::span<const HostArray> arrays) {
    Extent extent;
    for (const HostArray& a : arrays) {
      extent.terms = std::max(extent.terms, static_cast<double>(a.elements()));
      for (int64_t i = 0; i < a.elements(); ++i)
        if (const double x = std::fabs(a.get(i)); std::isfinite(x)) extent.largest = std::max(extent.largest, x);
    }
    extents_[&node] = extent;
  }

  /// Of a region's parameter: that of whatever its op was given, since ops differ in what they hand on.
  Extent extent_of(const Node& node) const {
    if (const auto it = extents_.find(&node); it != extents_.end()) return it->second;
    Extent extent;
    const auto owner = owners_.find(node.graph);
    if (owner == owners_.end()) return extent;
    for (const Value& v : owner->second->operands()) {
      const Extent given = extent_of(*v.node);
      extent = {std::max(extent.largest, given.largest), std::max(extent.terms, given.terms)};
    }
    return extent;
  }

  /// What the terms of one result element of a sum may add up to.
  double largest_sum(const Node& node) const {
    double product = 1, terms = 1;
    for (const Value& v : node.operands()) {
      const Extent extent = extent_of(*v.node);
      product *= extent.largest;
      terms = std::max(terms, extent.terms);
    }
    return product * terms;
  }

  void shake(const Node& node, std::span<const HostArray> results) {
    const ir::Tolerance t = node.op->tolerance;
    const double sum = t.kind == ir::Tolerance::Kind::Sum ? largest_sum(node) : 0;
    if (t.kind != ir::Tolerance::Kind::Exact)
      for (const HostArray& result : results) {
        if (!ir::is_float(result.dtype())) continue;
        HostArray a = result;  // shares the storage
        for (int64_t i = 0; i < a.elements(); ++i) {
          const double x = a.get(i),
                       size = std::max(std::fabs(x), sum) * epsilon_of(a.dtype()) + smallest_of(a.dtype());
          a.set(i, x + (2 * dice_.unit() - 1) * t.amount * size);
        }
      }
    note(node, results);
  }

  const Graph& graph_;
  std::span<const HostArray> arguments_;
  Dice dice_;
  std::unordered_map<const Graph*, const Node*> owners_;
  std::unordered_map<const Node*, Extent> extents_;
};

}  // namespace

RandomProgram make_random_program(uint64_t seed, std::span<const Op* const> ops, int nodes) {
  return Maker(seed, ops).make(nodes);
}

std::vector<std::vector<double>> error_bounds(const Graph& graph, std::span<const HostArray> arguments, uint64_t seed) {
  constexpr int kRuns = 4;
  constexpr double kRoom = 8;
  const auto expected = ir::interpret(graph, arguments);
  std::vector<std::vector<double>> bounds;
  for (const HostArray& a : expected) bounds.emplace_back(static_cast<size_t>(a.elements()), 0.0);
  for (int run = 0; run < kRuns; ++run) {
    const auto shaken = Shaker(graph, arguments, seed * kRuns + static_cast<uint64_t>(run)).run();
    for (size_t r = 0; r < expected.size(); ++r)
      for (int64_t i = 0; i < expected[r].elements(); ++i) {
        const double a = expected[r].get(i), b = shaken[r].get(i);
        const double moved = a == b || (std::isnan(a) && std::isnan(b)) ? 0
                             : std::isfinite(a) && std::isfinite(b)     ? std::fabs(a - b) * kRoom
                                                                        : INFINITY;
        double& bound = bounds[r][static_cast<size_t>(i)];
        bound = std::max(bound, moved);
      }
  }
  return bounds;
}

}  // namespace strata::compiler
