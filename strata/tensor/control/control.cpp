#include "strata/tensor/control/control.h"

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/unproved.h"
#include "strata/ops/creation/creation.h"

namespace strata::control_detail {
namespace {

using ir::Value;
using Values = std::vector<Value>;

void require_types(const char* op, const char* whose, std::span<const ir::Type> wanted, std::span<const Value> found,
                   Source at) {
  if (found.size() != wanted.size()) {
    base::Error error(base::code::kUnequalBranches, std::string(op) + ": " + whose + " gives " +
                                                        std::to_string(found.size()) + " tensors, expected " +
                                                        std::to_string(wanted.size()));
    ops::note_line(error, {user_line(at).file, user_line(at).line, nullptr});
    throw error;
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (found[i].type() == wanted[i]) continue;
    ir::note_unproved(found[i].shape(), wanted[i].shape());
    base::Error error(base::code::kUnequalBranches, std::string(op) + ": " + whose + " makes tensor " +
                                                        std::to_string(i) + " " + found[i].type().str() +
                                                        ", expected " + wanted[i].str());
    ops::note_line(error, {user_line(at).file, user_line(at).line, nullptr});
    if (found[i].node->where.file) error.note("the tensor comes from " + found[i].node->where.str());
    throw error;
  }
}

std::vector<Tensor> joined(std::span<const Tensor> a, std::span<const Tensor> b) {
  std::vector<Tensor> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

/// The region as ops/control/control.h fills it: parameters (constants, own) for a graph that takes (own, constants).
auto filled_from(const ir::GraphRef& graph, size_t constants) {
  return [graph, constants](ir::Graph& to, const Values& p) {
    Values arguments(p.begin() + constants, p.end());
    arguments.insert(arguments.end(), p.begin(), p.begin() + constants);
    return ir::inline_graph(*graph, to, arguments);
  };
}

Values part(std::span<const Value> values, size_t first, size_t count) {
  return {values.begin() + first, values.begin() + first + count};
}

}  // namespace

std::vector<Tensor> cond_of(const Tensor& condition, std::span<const Tensor> operands, const TensorFn& then,
                            const TensorFn& otherwise, Source at) {
  const auto types = trace_detail::types_of(operands);
  const trace_detail::Traced traced[] = {trace_detail::trace("then", types, then),
                                         trace_detail::trace("else", types, otherwise)};
  require_types("cond", "the second branch", ops::types_of(traced[0].graph->results()), traced[1].graph->results(), at);
  std::vector<Tensor> captures;
  const std::vector<ir::GraphRef> regions = trace_detail::share_captures(traced, captures);
  const std::vector<Tensor> all = joined({&condition, 1}, joined(operands, captures));
  return trace_detail::append(at, all, [&](ir::Graph& graph, std::span<const Value> values) {
    return ops::results_of(*graph.add(ops::kCond, values, {}, regions));
  });
}

std::vector<Tensor> while_of(std::span<const Tensor> state, const TensorFn& condition, const TensorFn& body,
                             Source at) {
  const auto types = trace_detail::types_of(state);
  const trace_detail::Traced traced[] = {trace_detail::trace("condition", types, condition),
                                         trace_detail::trace("body", types, body)};
  const ir::Type truth[] = {ir::Type::scalar(DType::boolean)};
  require_types("while_loop", "the condition", truth, traced[0].graph->results(), at);
  require_types("while_loop", "the body", types, traced[1].graph->results(), at);
  std::vector<Tensor> captures;
  const std::vector<ir::GraphRef> regions = trace_detail::share_captures(traced, captures);
  return trace_detail::append(at, joined(captures, state), [&](ir::Graph&, std::span<const Value> values) {
    const size_t constants = captures.size();
    return ops::while_loop(part(values, 0, constants), part(values, constants, types.size()),
                           filled_from(regions[0], constants), filled_from(regions[1], constants));
  });
}

std::vector<Tensor> scan_of(std::span<const Tensor> carries, std::span<const Tensor> xs, Dim length,
                            ops::ScanOrder order, const TensorFn& body, Source at) {
  std::vector<ir::Type> types = trace_detail::types_of(carries);
  for (const Tensor& x : xs) types.push_back(x.type().with_shape(x.type().shape().subspan(1)));
  const trace_detail::Traced traced[] = {trace_detail::trace("body", types, body)};
  const auto results = traced[0].graph->results();
  require_types("scan", "the body", std::span(types).first(carries.size()),
                results.first(std::min(carries.size(), results.size())), at);
  std::vector<Tensor> captures;
  const std::vector<ir::GraphRef> regions = trace_detail::share_captures(traced, captures);
  return trace_detail::append(
      at, joined(captures, joined(carries, xs)), [&](ir::Graph&, std::span<const Value> values) {
        const size_t constants = captures.size();
        const ops::ScanOperands operands{part(values, 0, constants), part(values, constants, carries.size()),
                                         part(values, constants + carries.size(), xs.size())};
        ops::ScanResults made = ops::scan(operands, length, filled_from(regions[0], constants), order);
        made.carries.insert(made.carries.end(), made.ys.begin(), made.ys.end());
        return made.carries;
      });
}

Tensor steps(Dim count, Source at) {
  return trace_detail::append(at, {}, [&](ir::Graph& graph, std::span<const Value>) {
    return Values{ops::iota(graph, ir::Type::of(DType::i64, {count}), 0)};
  })[0];
}

Dim length_of(std::span<const Tensor> xs, Source at) {
  return noting_line(user_line(at), [&] {
    if (xs.empty())
      throw base::Error(base::code::kUnequalBranches, "scan: there is nothing to scan over")
          .hint("use for_loop to run a body a number of times");
    for (const Tensor& x : xs)
      if (x.rank() == 0 || !ir::proved_equal(x.dim(0), xs[0].dim(0)))
        throw base::Error(base::code::kUnequalBranches, "scan: axis 0 of all xs is the steps, found " +
                                                            xs[0].type().str() + " and " + x.type().str());
    return xs[0].dim(0);
  });
}

}  // namespace strata::control_detail
