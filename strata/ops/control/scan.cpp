// scan: a region run a known number of times, with state handed on and slices read and written.
//
// Reverse mode splits the body along its tangents (Transpose::split_region). The known part runs again as a scan that
// stacks the residuals; the transposed part runs in the other order, with the cotangents of the carries as its carries,
// sums of the cotangents of the constants beside them, and the cotangents of the slices of xs as its ys. A constant
// whose cotangent is a product in each step (a weight) is not summed: the step hands out both sides, and one product
// over all steps follows (stacked_sums.h).
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/unproved.h"
#include "strata/ops/control/block_sums.h"
#include "strata/ops/control/regions.h"
#include "strata/ops/control/scan_parts.h"
#include "strata/ops/control/stacked_sums.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/operands/operand_check.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

constexpr AttrSpec kScanAttrs[] = {{"length", AttrKind::Dims, "how many steps"},
                                   {"constants", AttrKind::Int, "leading operands that are the same at each step"},
                                   {"carries", AttrKind::Int, "operands behind them that are handed from step to step"},
                                   {"reverse", AttrKind::Bool, "whether the last slice comes first"}};

Type slice_type(Type t) { return t.with_shape(t.shape().subspan(1)); }
Type stacked_type(Type t, Dim length) { return t.with_shape(prepend(length, t.shape())); }

void scan_infer(ir::Infer& i) {
  const int64_t constants = i.attrs.integer("constants"), carries = i.attrs.integer("carries");
  if (i.attrs.dims("length").size() != 1) i.fail(base::code::kAttributeValue, "length is one dimension");
  const Dim length = i.attrs.dims("length")[0];
  if (constants < 0 || carries < 0 || constants + carries > i.count())
    i.fail(base::code::kAttributeValue, "more constants and carries than operands");
  std::vector<Type> types;
  for (int k = 0; k < i.count(); ++k) {
    if (k < constants + carries) {
      types.push_back(i.type(k));
      continue;
    }
    if (i.type(k).rank() < 1 || !ir::proved_equal(i.type(k).dim(0), length))
      i.fail(base::code::kRegionMismatch,
             fmt::format("axis 0 of {} should be the length {}", i.type(k).str(), length.str()));
    types.push_back(slice_type(i.type(k)));
  }
  require_parameters(i, *i.regions[0], types, "operand");
  const auto results = result_types(*i.regions[0]);
  if (std::ssize(results) < carries)
    i.fail(base::code::kRegionMismatch, "the region gives fewer results than there are carries");
  for (int64_t r = 0; r < std::ssize(results); ++r) {
    const bool is_carry = r < carries;
    if (is_carry && !(results[r] == types[constants + r])) {
      ir::note_unproved(results[r].shape(), types[constants + r].shape());
      i.fail(base::code::kRegionMismatch,
             fmt::format("carry {} is {}, the region makes it {}", r, types[constants + r].str(), results[r].str()));
    }
    i.result(is_carry ? results[r] : stacked_type(results[r], length));
  }
}

/// A scan given by parts; operands and region parameters in the same order.
Node* add_scan(Graph& graph, const std::vector<Value>& constants, const std::vector<Value>& carries,
               const std::vector<Value>& xs, Dim length, ScanOrder order, const RegionFn& body) {
  std::vector<Value> operands = constants;
  operands.insert(operands.end(), carries.begin(), carries.end());
  std::vector<Type> types = types_of(operands);
  for (const Value& x : xs) types.push_back(slice_type(x.type()));
  operands.insert(operands.end(), xs.begin(), xs.end());
  const Dim lengths[] = {length};
  const Attr attrs[] = {Attr("length", std::span<const Dim>(lengths)), Attr("constants", std::ssize(constants)),
                        Attr("carries", std::ssize(carries)), Attr("reverse", order == ScanOrder::Reverse)};
  const GraphRef regions[] = {make_region("body", types, body)};
  return graph.add(kScan, operands, attrs, regions);
}

/// The three groups of a list of values, in which flagged ones have a partner at the end of their group.
struct Groups {
  std::vector<Value> constants, carries, xs;
  std::vector<Value>& of(const ScanParts& s, size_t operand) {
    return s.is_constant(operand) ? constants : s.is_carry(operand) ? carries : xs;
  }
};

void scan_jvp(ir::Jvp& j) {
  const Node& n = j.node;
  const ScanParts s(n);
  Flags has(s.operands);
  for (size_t i = 0; i < s.operands; ++i) has[i] = j.has(i);
  // A carry that gets a tangent in one step has one from the start.
  std::vector<bool> made;
  GraphRef both;
  for (bool changed = true; changed;) {
    both = j.jvp_region(n.region(0), has.view(), made);
    changed = false;
    for (size_t c = 0; c < s.carries; ++c)
      if (made[c] && !has[s.constants + c]) has[s.constants + c] = changed = true;
  }
  std::vector<bool> wanted = made;
  for (size_t c = 0; c < s.carries; ++c) wanted[c] = has[s.constants + c];
  both = with_tangents(both, s.results, made, wanted);

  Groups all;
  std::vector<size_t> place(s.operands), tangent_place(s.operands);
  for (int pass = 0; pass < 2; ++pass)
    for (size_t i = 0; i < s.operands; ++i) {
      if (pass == 1 && !has[i]) continue;
      auto& group = all.of(s, i);
      (pass ? tangent_place : place)[i] = group.size();
      group.push_back(pass ? j.tangent(i) : n.operand(i));
    }
  const size_t before[] = {0, all.constants.size(), all.constants.size() + all.carries.size()};
  auto parameter = [&](size_t operand, size_t at) {
    return before[s.is_constant(operand) ? 0 : s.is_carry(operand) ? 1 : 2] + at;
  };
  const Node* node = add_scan(
      j.graph, all.constants, all.carries, all.xs, s.length, s.order, [&](Graph& g, const std::vector<Value>& p) {
        std::vector<Value> arguments;
        for (size_t i = 0; i < s.operands; ++i) arguments.push_back(p[parameter(i, place[i])]);
        for (size_t i = 0; i < s.operands; ++i)
          if (has[i]) arguments.push_back(p[parameter(i, tangent_place[i])]);
        const auto results = ir::inline_graph(*both, g, arguments);
        // primal carries, primal ys, tangents of both -> carries with their tangents, then ys with theirs
        std::vector<Value> ordered(results.begin(), results.begin() + s.carries);
        const int64_t tangent_carries = std::count(wanted.begin(), wanted.begin() + s.carries, true);
        const auto tangents = results.begin() + s.results;
        ordered.insert(ordered.end(), tangents, tangents + tangent_carries);
        ordered.insert(ordered.end(), results.begin() + s.carries, tangents);
        ordered.insert(ordered.end(), tangents + tangent_carries, results.end());
        return ordered;
      });
  size_t next_carry = s.carries, next_y = all.carries.size() + (s.results - s.carries);
  for (size_t r = 0; r < s.results; ++r)
    if (wanted[r]) j.set(r, node->result(r < s.carries ? next_carry++ : next_y++));
}

/// Reverse mode of one scan, step by step as the file's head tells it.
struct ScanTranspose {
  ir::Transpose& t;
  ScanParts s;
  Flags is_linear, has_cotangent;
  ir::SplitRegion split;
  std::vector<size_t> known;  ///< operands that are not linear
  StackedSums later;          ///< constants whose cotangents are summed behind the scan

  explicit ScanTranspose(ir::Transpose& t) : t(t), s(t.node), is_linear(s.operands), has_cotangent(s.results) {
    const Graph& body = t.node.region(0);
    for (size_t i = 0; i < s.operands; ++i) is_linear[i] = t.is_linear(i);
    std::vector<bool> results;
    for (bool changed = true; changed;) {  // a carry that starts from a known zero becomes linear in the first step
      results = linear_results(body, is_linear.view());
      changed = false;
      for (size_t c = 0; c < s.carries; ++c)
        if (results[c] && !is_linear[s.constants + c]) is_linear[s.constants + c] = changed = true;
    }
    for (size_t r = 0; r < s.results; ++r) has_cotangent[r] = results[r] && (r < s.carries || t.cotangent(r));
    split = t.split_region(body, is_linear.view(), has_cotangent.view());
    for (size_t i = 0; i < s.operands; ++i)
      if (!is_linear[i]) known.push_back(i);
    const size_t constants = std::count(is_linear.view().begin(), is_linear.view().begin() + s.constants, true);
    later = StackedSums(*split.transposed, constants, [&](size_t parameter) {
      return parameter >= split.residual_parameter.size() ? StackedSums::Place::Step
             : residual_is_constant(parameter)            ? StackedSums::Place::Constant
                                                          : StackedSums::Place::Stacked;
    });
  }

  /// A residual that is a constant or a slice need not be stacked.
  bool is_stacked(size_t residual) const {
    const int parameter = split.residual_parameter[residual];
    return parameter < 0 || s.is_carry(known[parameter]);
  }

  /// Runs the known part; gives the value of each residual: a constant, or stacked slices.
  std::vector<Value> residuals() const {
    Groups all;
    for (size_t i : known) all.of(s, i).push_back(t.operand(i));
    const size_t residual_count = split.residual_parameter.size();
    const bool any = [&] {
      for (size_t r = 0; r < residual_count; ++r)
        if (is_stacked(r)) return true;
      return false;
    }();
    const Node* node = !any ? nullptr
                            : add_scan(t.graph, all.constants, all.carries, all.xs, s.length, s.order,
                                       [&](Graph& g, const std::vector<Value>& p) {
                                         const auto results = ir::inline_graph(*split.known, g, p);
                                         std::vector<Value> ordered;
                                         size_t next = 0;
                                         for (size_t r = 0; r < s.results; ++r) {
                                           if (split.result_is_linear[r]) continue;
                                           if (r < s.carries && !is_linear[s.constants + r])
                                             ordered.push_back(results[next]);
                                           ++next;
                                         }
                                         for (size_t r = 0; r < residual_count; ++r)
                                           if (is_stacked(r)) ordered.push_back(results[next + r]);
                                         return ordered;
                                       });
    std::vector<Value> values;
    int next = all.carries.size();
    for (size_t r = 0; r < residual_count; ++r)
      values.push_back(is_stacked(r) ? node->result(next++) : t.operand(known[split.residual_parameter[r]]));
    return values;
  }

  bool residual_is_constant(size_t r) const {
    return !is_stacked(r) && s.is_constant(known[split.residual_parameter[r]]);
  }

  void run() {
    const auto values = residuals();
    std::vector<Value> constants, carries, xs;
    for (size_t r = 0; r < values.size(); ++r) (residual_is_constant(r) ? constants : xs).push_back(values[r]);
    const size_t stacked = xs.size();
    std::vector<size_t> linear_constants, linear_carries, linear_slices;
    size_t position = 0;
    for (size_t i = 0; i < s.operands; ++i) {
      if (!is_linear[i]) continue;
      if (!later.has(position++))
        (s.is_constant(i) ? linear_constants : s.is_carry(i) ? linear_carries : linear_slices).push_back(i);
    }
    const auto zero_sums = [&] {
      for (size_t i : linear_constants) carries.push_back(full(t.graph, sum_type(i), 0.0));
    };
    zero_sums();
    for (size_t i : linear_carries) {
      const Value ct = t.cotangent(i - s.constants);
      carries.push_back(ct ? ct : full(t.graph, t.operand_type(i), 0.0));
    }
    const bool has_totals = is_long() && !linear_constants.empty();
    if (has_totals) {
      zero_sums();
      carries.push_back(scalar(t.graph, DType::i64, 0));
    }
    for (size_t r = s.carries; r < s.results; ++r)
      if (has_cotangent[r]) xs.push_back(t.cotangent(r));
    const ScanOrder opposite = s.is_reverse() ? ScanOrder::Forward : ScanOrder::Reverse;
    const Node* back =
        add_scan(t.graph, constants, carries, xs, s.length, opposite, [&](Graph& g, const std::vector<Value>& p) {
          return step(g, p, values.size(), constants.size(), stacked, linear_constants, linear_carries);
        });
    const auto result = [&](size_t r) { return back->result(r); };
    const size_t totals = linear_constants.size() + linear_carries.size();
    for (size_t c = 0; c < linear_constants.size(); ++c) {
      const int i = linear_constants[c];
      const Value sum = has_totals ? result(totals + c) + result(c) : result(c);
      if (t.is_linear(i)) t.set(i, cast(sum, t.operand_type(i).dtype()));
    }
    size_t next = linear_constants.size();
    for (const auto* group : {&linear_carries, &linear_slices}) {
      for (size_t i : *group) {
        if (t.is_linear(i)) t.set(i, result(next));
        ++next;
      }
      if (group == &linear_carries && has_totals) next += linear_constants.size() + 1;
    }
    set_later(values, [&] { return result(next++); });
  }

  /// Cotangents of the constants whose terms the steps have handed out. `values`: the residuals.
  void set_later(const std::vector<Value>& values, const std::function<Value()>& next_stacked) {
    std::vector<Value> stacked;
    for (size_t k = 0; k < later.handed_out().size(); ++k) stacked.push_back(next_stacked());
    size_t position = 0;
    for (size_t i = 0; i < s.constants; ++i) {
      if (!is_linear[i]) continue;
      const int operand = i;
      if (later.has(position) && t.is_linear(operand))
        t.set(operand,
              cast(later.sum(position, values, stacked, sum_type(i).dtype()), t.operand_type(operand).dtype()));
      ++position;
    }
  }

  /// Of the sum of a constant's cotangents: half floats add up in f32.
  Type sum_type(size_t operand) const {
    const Type type = t.operand_type(operand);
    return type.with_dtype(accumulation_dtype(type.dtype()));
  }
  /// More steps than a chain of terms may have: then sums begin anew after each block, and go into totals.
  bool is_long() const { return !s.length.is_constant() || s.length.constant() > ir::loops::kJoinBlock; }

  /// One backward step. Parameters: constant residuals | sums for constants, cotangents of carries, of a long scan
  /// totals and the number of the step | stacked residuals, cotangents of ys.
  std::vector<Value> step(Graph& g, const std::vector<Value>& p, size_t residual_count, size_t constants,
                          size_t stacked, const std::vector<size_t>& linear_constants,
                          const std::vector<size_t>& linear_carries) const {
    const size_t count = linear_constants.size();
    const bool has_totals = is_long() && count != 0;
    const size_t sums = constants, cotangents = sums + count, totals = cotangents + linear_carries.size(),
                 slices = totals + (has_totals ? count + 1 : 0);
    std::vector<Value> arguments;
    size_t next_constant = 0, next_slice = slices;
    for (size_t r = 0; r < residual_count; ++r)
      arguments.push_back(residual_is_constant(r) ? p[next_constant++] : p[next_slice++]);
    for (size_t c = 0; c < linear_carries.size(); ++c)
      if (has_cotangent[linear_carries[c] - s.constants]) arguments.push_back(p[cotangents + c]);
    arguments.insert(arguments.end(), p.begin() + slices + stacked, p.end());
    std::vector<Value> results = later.inline_step(g, arguments);
    if (!has_totals) {
      for (size_t c = 0; c < count; ++c) results[c] = p[sums + c] + cast(results[c], p[sums + c].dtype());
      return results;
    }
    const auto part = [&](size_t first) { return std::vector<Value>(p.begin() + first, p.begin() + first + count); };
    BlockSums block{part(sums), part(totals), p[slices - 1]};
    block.add_step(std::span(results).first(count));
    std::ranges::copy(block.sums, results.begin());
    std::vector<Value> after = block.totals;
    after.push_back(block.steps);
    results.insert(results.begin() + count + linear_carries.size(), after.begin(), after.end());
    return results;
  }
};

void scan_transpose(ir::Transpose& t) { ScanTranspose(t).run(); }

void scan_vmap(ir::Vmap& v) {
  const Node& n = v.node;
  const ScanParts s(n);
  Flags is_batched(s.operands);
  Groups all;
  for (size_t i = 0; i < s.operands; ++i) {
    const int k = i;
    is_batched[i] = s.is_carry(i) || v.is_batched(k);
    const Value x = s.is_carry(i) ? v.batched(k) : v.operand(k);
    all.of(s, i).push_back(s.is_slice(i) && is_batched[i] ? swap_axes(x, 0, 1) : x);
  }
  const GraphRef body = v.vmap_region(n.region(0), is_batched.view());
  const Node* node = add_scan(v.graph, all.constants, all.carries, all.xs, s.length, s.order,
                              [&](Graph& g, const std::vector<Value>& p) { return ir::inline_graph(*body, g, p); });
  for (size_t r = 0; r < s.results; ++r) {
    const Value y = node->result(r);
    v.set(r, r < s.carries ? y : swap_axes(y, 0, 1));
  }
}

void scan_reference(ir::Reference& r) {
  const ScanParts s(r.node);
  const int64_t length = r.dim(s.length);
  std::vector<HostArray> arguments(r.operands.begin(), r.operands.end());
  for (int64_t step = 0; step < length; ++step) {
    const int64_t at = s.is_reverse() ? length - 1 - step : step;
    for (size_t i = s.first_slice(); i < s.operands; ++i) arguments[i] = slice_of(r.operands[i], at);
    const auto results = r.run(r.node.region(0), arguments);
    for (size_t c = 0; c < s.carries; ++c) arguments[s.constants + c] = results[c];
    for (size_t y = s.carries; y < s.results; ++y) set_slice(r.results[y], at, results[y]);
  }
  for (size_t c = 0; c < s.carries; ++c) r.results[c] = arguments[s.constants + c];
}

std::vector<ir::Sample> scan_samples() {
  static const Dim lengths[] = {5, 0, 1};
  const Type t = Type::of(DType::f32, {3});
  const Type types[] = {t, t, t};
  const GraphRef body = make_region("body", types, [](Graph&, const std::vector<Value>& p) {
    const Value next = p[1] * p[0] + p[2];
    return std::vector<Value>{next, next * p[2]};
  });
  std::vector<ir::Sample> list;
  for (const Dim& length : lengths)
    for (bool reverse : {false, true})
      list.push_back({{normal({3}), normal({3}), normal({length, 3})},
                      {Attr("length", std::span<const Dim>(&length, 1)), Attr("constants", 1), Attr("carries", 1),
                       Attr("reverse", reverse)},
                      {body}});
  return list;
}

}  // namespace

constinit const Op kScan = {
    .name = "scan",
    .family = "control",
    .doc =
        "Runs its region `length` times: (constants, carries, slices of the other operands along axis 0) -> (carries, "
        "slices of the stacked results). With `reverse` the last slice comes first and results are stacked at the "
        "slices' places. No steps: the carries as given.",
    .operands_min = 0,
    .operands_max = -1,
    .region_count = 1,
    .attrs = kScanAttrs,
    .infer = scan_infer,
    .jvp = scan_jvp,
    .transpose = scan_transpose,
    .vmap = scan_vmap,
    .lower = kPlanRunsRegions,
    .reference = scan_reference,
    .tolerance = exact(),
    .cost = [](const Node& n) { return cost_of_regions(n, n.attrs.dims("length")[0]); },
    .samples = scan_samples,
};

ScanResults scan(const ScanOperands& o, Dim length, const RegionFn& body, ScanOrder order) {
  require_choice("scan", "order", order, 2);
  const Value* anchor = !o.carries.empty() ? &o.carries[0] : !o.xs.empty() ? &o.xs[0] : nullptr;
  if (!anchor) throw base::Error(base::code::kOperandCount, "scan: takes at least one carry or one array of slices");
  const Node* n = add_scan(anchor->graph(), o.constants, o.carries, o.xs, length, order,
                           [&](Graph& g, const std::vector<Value>& p) { return body(g, p); });
  ScanResults results;
  for (uint32_t r = 0; r < n->result_count; ++r)
    (r < o.carries.size() ? results.carries : results.ys).push_back(n->result(r));
  return results;
}

}  // namespace strata::ops
