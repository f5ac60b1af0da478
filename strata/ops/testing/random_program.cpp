#include "strata/ops/testing/random_program.h"

#include <algorithm>
#include <utility>

#include "strata/base/random/splitmix64.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {

using ir::DType;
using ir::HostArray;
using ir::Sample;
using ir::SampleOperand;
using Domain = SampleOperand::Domain;
using Values = std::vector<Value>;

namespace {

class Dice : public base::SplitMix64 {
 public:
  explicit Dice(uint64_t seed) : SplitMix64(base::mix_bits(seed)) {}
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[below(list.size())];
  }
};

struct Choice {
  const Op* op;
  std::vector<Sample> samples;
};

/// A gather from an axis of extent 0 has no element to clamp to: its result is not compared.
bool has_nothing_to_pick(const Value& v, const Op& op) {
  return (&op == &kGather || &op == &kScatter) && std::ranges::any_of(v.shape(), [](Dim d) { return d == Dim(0); });
}

bool is_static_sample(const Sample& sample) {
  return std::ranges::all_of(sample.operands, [](const SampleOperand& o) { return o.type.is_static(); });
}

/// All floats are read at places where the op is smooth, and it gives floats. Regions of samples are left to
/// add_region(); an operand of a few elements is enough, and differences cost a run for each.
bool is_smooth_sample(const Sample& s) {
  constexpr int64_t kMostElements = 128;
  return s.regions.empty() && !s.operands.empty() && ir::is_float(s.operands[0].type.dtype()) &&
         std::ranges::all_of(s.operands, [](const SampleOperand& o) {
           const int64_t elements = o.type.elements().constant();
           return o.domain != Domain::Special && elements > 0 && elements <= kMostElements;
         });
}

/// A cast may leave the floats, and stop_gradient is there to differ from differences.
bool is_smooth_op(const Op& op) {
  return op.jvp && (op.is_smooth || op.transpose) && &op != &kCast && &op != &kStopGradient;
}

Sample in_f64(Sample s) {
  for (SampleOperand& o : s.operands)
    if (ir::is_float(o.type.dtype())) o.type = o.type.with_dtype(DType::f64);
  for (Attr& a : s.attrs)
    if (a.kind == ir::AttrKind::Type && ir::is_float(a.dtype)) a.dtype = DType::f64;
  return s;
}

std::vector<Choice> choices(std::span<const Op* const> ops, ProgramKind kind) {
  std::vector<Choice> list;
  for (const Op* op : ops) {
    if (!op->samples || !op->reference || op->effect != ir::Effect::None) continue;
    if (op == &kBitcast) continue;  // shows the payload of a NaN, which is nobody's promise
    if (kind == ProgramKind::Smooth && !is_smooth_op(*op)) continue;
    auto samples = op->samples.fn();
    std::erase_if(samples, [&](const Sample& s) {
      return !is_static_sample(s) || (kind == ProgramKind::Smooth && !is_smooth_sample(s));
    });
    if (kind == ProgramKind::Smooth)
      for (Sample& s : samples) s = in_f64(std::move(s));
    if (!samples.empty()) list.push_back({op, std::move(samples)});
  }
  return list;
}

/// Pointwise on what the program's values may be.
std::vector<Choice> pointwise_choices(const std::vector<Choice>& all, ProgramKind kind) {
  std::vector<Choice> list;
  for (const Choice& c : all) {
    const bool takes_others = std::ranges::any_of(c.samples[0].operands,
                                                  [](const SampleOperand& o) { return !ir::is_float(o.type.dtype()); });
    if (c.op->is_pointwise && c.op->attrs.empty() && !(kind == ProgramKind::Smooth && takes_others)) list.push_back(c);
  }
  return list;
}

class Maker {
 public:
  Maker(uint64_t seed, std::span<const Op* const> ops, ProgramKind kind)
      : dice_(seed),
        seed_(seed),
        kind_(kind),
        program_(std::make_shared<Graph>("random")),
        graph_(program_.get()),
        all_(choices(ops, kind)),
        pointwise_(pointwise_choices(all_, kind)) {}

  RandomProgram make(int nodes) {
    is_smooth() ? add_smooth_parameters() : add_parameters();
    for (int i = 0; i < nodes; ++i) {
      if (dice_.one_in(is_smooth() ? 4 : 8))
        add_region();
      else if (dice_.below(3) < 2)
        add_pointwise();
      else
        add_sample();
    }
    is_smooth() ? sum_up() : choose_results();
    return {program_, std::move(arguments_)};
  }

 private:
  bool is_smooth() const { return kind_ == ProgramKind::Smooth; }

  void add_parameters() {
    const Dim batch = Dim::symbol("B");
    graph_->facts().add({"B", 1, 64, 1});
    const DType main = dice_.one_in(5)   ? DType::f16
                       : dice_.one_in(5) ? DType::bf16
                       : dice_.one_in(4) ? DType::f64
                                         : DType::f32;
    batch_ = 2 + dice_.below(6);
    add_parameter({Type::of(main, {batch, Dim(3 + static_cast<int64_t>(dice_.below(38)))})});
    add_parameter({Type::of(main, {Dim(2), Dim(3), Dim(5)})});
    if (dice_.one_in(2)) add_parameter({Type::of(DType::i32, {Dim(7)})});
  }

  void add_smooth_parameters() {
    const Dim rows = 1 + static_cast<int64_t>(dice_.below(4)), columns = 1 + static_cast<int64_t>(dice_.below(4));
    for (int i = 0; i < 3; ++i) add_parameter({Type::of(DType::f64, {rows, columns})});
  }

  /// Other values than floats stay out of a smooth program's pool: a step from float to integer has no derivative.
  Value add_parameter(const SampleOperand& operand) {
    arguments_.push_back(sample_array(operand, seed_ * 31 + arguments_.size(), batch_));
    const Value v = bounded(program_->add_parameter(operand.type));
    keep(v);
    return v;
  }

  void keep(Value v) {
    if (v.type().is_encoded()) return;  // hardly any op takes it
    if (!is_smooth() || v.dtype() == DType::f64) values_.push_back(v);
  }

  /// Some value, the later ones more often.
  Value some_value() {
    const size_t a = dice_.below(values_.size()), b = dice_.below(values_.size());
    return values_[std::max(a, b)];
  }

  void add_pointwise() {
    const Choice& choice = dice_.pick(pointwise_);
    const Op& op = *choice.op;
    const Sample& sample = dice_.pick(choice.samples);
    const Value first = some_value();
    Values operands;
    for (const SampleOperand& o : sample.operands) {
      Value v = operands.empty()  ? first
                : dice_.one_in(3) ? scalar_like(first, small_number(first.dtype()))
                                  : some_value();
      const bool is_choice = &op == &kSelect && operands.empty();
      const DType wanted = is_choice                                        ? DType::boolean
                           : op.types.has(first.dtype()) || &op == &kSelect ? first.dtype()
                                                                            : o.type.dtype();
      operands.push_back(in_domain(with_shape(with_dtype(v, wanted), first.shape()), o));
    }
    record(op, operands, {}, {});
  }

  double small_number(DType t) { return ir::is_bool(t) ? 1.0 : static_cast<double>(dice_.below(4)); }

  void add_sample() {
    const Choice& choice = dice_.pick(all_);
    const Sample& sample = dice_.pick(choice.samples);
    Values operands;
    for (const SampleOperand& o : sample.operands) {
      // Indices have to be in range, and special values are what the block's own tests are for.
      const bool is_fresh = o.domain == Domain::Index || o.type.is_encoded() ||
                            (is_smooth() && !ir::is_float(o.type.dtype())) || dice_.one_in(8);
      const Value v =
          is_fresh ? add_parameter(o) : with_shape(with_dtype(some_value(), o.type.dtype()), o.type.shape());
      operands.push_back(in_domain(v, o));
    }
    if (!operands.empty() && has_nothing_to_pick(operands[0], *choice.op)) return;
    record(*choice.op, operands, sample.attrs, sample.regions);
  }

  void record(const Op& op, std::span<const Value> operands, std::span<const Attr> attrs,
              std::span<const ir::GraphRef> regions) {
    const Node* node = graph_->add(op, operands, attrs, regions);
    for (uint32_t i = 0; i < node->result_count; ++i) {
      const Value v = node->result(i);
      keep(op.is_smooth ? bounded(v) : v);  // what only moves data keeps values bounded
    }
  }

  /// In a smooth program, the value brought to (-1, 1).
  Value bounded(Value v) { return is_smooth() && v.dtype() == DType::f64 ? tanh(v) : v; }

  /// Smoothly, from (-1, 1) to where the op is smooth.
  Value in_domain(Value v, const SampleOperand& o) {
    if (!is_smooth() || v.dtype() != DType::f64) return v;
    if (o.domain == Domain::Positive || o.domain == Domain::Nonzero) return v * v + 0.5;
    return o.domain == Domain::Unit ? v * 0.9 : v;
  }

  /// An op with a body, or two, of random pointwise nodes.
  void add_region() {
    const Value x = some_value(), y = with_shape(with_dtype(some_value(), x.dtype()), x.shape());
    const Values operands{x, y};
    const auto fill = [this](Graph& graph, const Values& parameters) { return Values{body(graph, parameters)}; };
    const auto region = [&] { return make_region("body", types_of(operands), fill); };
    const bool has_rows = x.rank() > 0 && x.type().dim(0).is_constant() && x.type().dim(0).constant() > 0;
    switch (dice_.below(has_rows ? 5 : 4)) {
      case 0:
        return keep(cond(add_parameter({Type::scalar(DType::boolean)}), operands, fill, fill)[0]);
      case 1:
        return keep(call_graph(region(), operands)[0]);
      case 2:
        return keep(checkpoint(*graph_, region(), operands)[0]);
      case 3:
        return keep(composite("made_up", {}, operands, region())[0]);
      default:
        return add_scan(x, y);
    }
  }

  /// Over the slices of x, with the first of y as state and the last as a constant.
  void add_scan(Value x, Value y) {
    const int64_t length = x.type().dim(0).constant();
    const ir::Shape slice(x.shape().begin() + 1, x.shape().end());
    const auto at = [&](int64_t i) { return reshape(slice_axis(y, 0, {i, Dim(i + 1)}), slice); };
    const auto fill = [this](Graph& graph, const Values& p) {
      const Value next = body(graph, p);
      return Values{next, body(graph, {next, p[2]})};
    };
    const auto order = dice_.one_in(2) ? ScanOrder::Forward : ScanOrder::Reverse;
    const ScanResults results = scan({{at(length - 1)}, {at(0)}, {x}}, length, fill, order);
    keep(results.ys[0]);
    keep(results.carries[0]);
  }

  /// A value of the type of the first parameter, some pointwise nodes away from all of them.
  Value body(Graph& graph, const Values& parameters) {
    Graph* const outer = std::exchange(graph_, &graph);
    Values outer_values = std::exchange(values_, parameters);
    const Type type = parameters[0].type();
    for (uint64_t i = 1 + dice_.below(3); i > 0; --i) add_pointwise();
    const Value result = with_shape(with_dtype(values_.back(), type.dtype()), type.shape());
    graph_ = outer;
    values_ = std::move(outer_values);
    return result;
  }

  Value with_dtype(Value v, DType t) {
    if (v.dtype() == t) return v;
    return graph_->add1(kCast, {v}, {Attr("to", t)});
  }

  /// v's elements in a shape: broadcast where that fits, else the first so many of them, with zeros behind.
  Value with_shape(Value v, std::span<const Dim> shape) {
    if (std::ranges::equal(v.shape(), shape)) return v;
    if (v.rank() == 0) return broadcast_to(v, shape);
    const Dim wanted = ir::product(shape), there = v.type().elements();
    const Value flat = flatten(v);
    if (wanted == there) return reshape(flat, ir::Shape(shape.begin(), shape.end()));
    // Symbolic extents: pad by what is wanted, then slice, so that it fits for every binding.
    const Value zero = graph_->add1(kCast, {scalar(*graph_, DType::i32, 0)}, {Attr("to", v.dtype())});
    const Value long_enough = pad(flat, zero, {{0, wanted, 0}});
    return reshape(slice(long_enough, {{0, wanted, 1}}), ir::Shape(shape.begin(), shape.end()));
  }

  void choose_results() {
    Values results{values_.back()};
    for (int i = 0; i < 2; ++i)
      if (const Value v = some_value(); dice_.one_in(2) && std::ranges::find(results, v) == results.end())
        results.push_back(v);
    graph_->set_results(results);
  }

  /// A sum in which every value counts, so that no node is dead.
  void sum_up() {
    Value all = scalar(*graph_, DType::f64, 0);
    for (const Value& v : values_) all = all + reduce_sum(flatten(tanh(v)), {0});
    graph_->set_results({all, values_.back()});
  }

  Dice dice_;
  uint64_t seed_;
  ProgramKind kind_;
  std::shared_ptr<Graph> program_;
  Graph* graph_;  ///< what nodes are added to: the program, or the body that is being made
  std::vector<Choice> all_, pointwise_;
  Values values_;  ///< of graph_
  std::vector<HostArray> arguments_;
  int64_t batch_ = 3;
};

}  // namespace

RandomProgram make_random_program(uint64_t seed, std::span<const Op* const> ops, int nodes, ProgramKind kind) {
  return Maker(seed, ops, kind).make(nodes);
}

}  // namespace strata::ops
