#include "strata/tensor/transforms/custom.h"

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/control/custom_gradient.h"
#include "strata/tensor/transforms/checkpoint.h"

namespace strata {
namespace {

using ir::Value;

void append_floats(std::vector<ir::Type>& types, std::span<const ir::Type> from) {
  for (ir::Type t : from)
    if (is_float(t.dtype())) types.push_back(t);
}

std::vector<ir::Type> result_types(const ir::Graph& graph) {
  std::vector<ir::Type> types;
  for (const Value& v : graph.results()) types.push_back(v.type());
  return types;
}

std::vector<Tensor> joined(std::span<const Tensor> a, std::span<const Tensor> b) {
  std::vector<Tensor> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

}  // namespace

namespace custom_detail {

std::vector<ir::Type> types_of_places(std::span<Tensor* const> places) {
  std::vector<ir::Type> types;
  for (const Tensor* place : places) types.push_back(place->defined() ? place->type() : ir::Type());
  return types;
}

std::vector<Tensor> matched(std::span<const ir::Type> places, std::span<Tensor* const> given, const char* what) {
  if (places.size() != given.size())
    throw base::Error(base::code::kCotangentShape, "custom derivative: " + std::to_string(given.size()) + " " + what +
                                                       " are given for " + std::to_string(places.size()) + " tensors");
  std::vector<Tensor> list;
  for (size_t i = 0; i < places.size(); ++i) {
    const ir::Type wanted = places[i];
    if (!wanted || !is_float(wanted.dtype())) continue;
    if (given[i]->defined() && !(given[i]->type() == wanted)) {
      ir::note_unproved(given[i]->type().shape(), wanted.shape());
      throw base::Error(base::code::kCotangentShape, std::string("custom derivative: ") + what + " " +
                                                         std::to_string(i) + " should be " + wanted.str() + ", found " +
                                                         given[i]->type().str());
    }
    list.push_back(given[i]->defined() ? *given[i]
                                       : Tensor::zeros({wanted.shape().begin(), wanted.shape().end()}, wanted.dtype()));
  }
  return list;
}

std::vector<Tensor> custom_vjp_of(std::span<const Tensor> inputs, const TensorFn& body, const TensorFn& forward,
                                  const TensorFn& backward, Source at) {
  const auto types = trace_detail::types_of(inputs);
  std::vector<trace_detail::Traced> traced;
  traced.push_back(trace_detail::trace("body", types, body));
  traced.push_back(trace_detail::trace("forward", types, forward));
  const auto outputs = result_types(*traced[0].graph), made = result_types(*traced[1].graph);
  std::vector<ir::Type> residuals(made.begin() + std::min(outputs.size(), made.size()), made.end());
  append_floats(residuals, outputs);
  traced.push_back(trace_detail::trace("backward", residuals, backward));
  std::vector<Tensor> captures;
  const auto regions = trace_detail::share_captures(traced, captures);
  return trace_detail::append(at, joined(inputs, captures), [&](ir::Graph& graph, std::span<const Value> values) {
    return ops::custom_vjp(graph, {regions[0], regions[1], regions[2]}, values.first(inputs.size()),
                           values.subspan(inputs.size()));
  });
}

std::vector<Tensor> custom_jvp_of(std::span<const Tensor> inputs, const TensorFn& body, const TensorFn& rule,
                                  Source at) {
  const auto types = trace_detail::types_of(inputs);
  std::vector<ir::Type> both = types;
  append_floats(both, types);
  const trace_detail::Traced traced[] = {trace_detail::trace("body", types, body),
                                         trace_detail::trace("rule", both, rule)};
  std::vector<Tensor> captures;
  const auto regions = trace_detail::share_captures(traced, captures);
  return trace_detail::append(at, joined(inputs, captures), [&](ir::Graph& graph, std::span<const Value> values) {
    return ops::custom_jvp(graph, regions[0], regions[1], values.first(inputs.size()), values.subspan(inputs.size()));
  });
}

std::vector<Tensor> checkpoint_of(std::span<const Tensor> inputs, const TensorFn& body, Source at) {
  const trace_detail::Traced traced[] = {trace_detail::trace("checkpoint", trace_detail::types_of(inputs), body)};
  std::vector<Tensor> captures;
  const auto regions = trace_detail::share_captures(traced, captures);
  return trace_detail::append(at, joined(inputs, captures), [&](ir::Graph& graph, std::span<const Value> values) {
    return ops::checkpoint(graph, regions[0], values);
  });
}

}  // namespace custom_detail
}  // namespace strata
