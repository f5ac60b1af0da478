// What lets one function serve graph values and tensors alike.
//
// A handle is a type V that stands for a value of some graph being recorded: ir::Value itself, and Tensor (tensor/).
// Functions of ops/ take and return handles; HandleTraits<V> says how a V enters the graph and how a result leaves it.
//
//   template <Handle V> V tanh(V x, Source at = Source::here()) { return call<V>(at, kTanh, {x}); }
//   STRATA_FUNCTION(softmax, (x), (int64_t axis), (axis))   // user_function.h: its meaning once, on ir::Value
//
// A Recording is open while nodes are appended. For ir::Value it sets the graph's position only where none is set,
// since transforms have set it before they call a rule.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <source_location>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/unproved.h"

namespace strata::ops {

using ir::Attr;
using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::GraphRef;
using ir::HostArray;
using ir::Node;
using ir::Op;
using ir::Shape;
using ir::Type;
using ir::Value;

/// The caller's line: a defaulted last argument of every user function.
struct Source {
  const char* file = nullptr;
  uint32_t line = 0;
  static constexpr Source here(std::source_location at = std::source_location::current()) {
    return {at.file_name(), at.line()};
  }
};

/// Types that stand for tensors derive from this, so that argument-dependent lookup finds the functions of ops/.
struct HandleTag {};

/// Specialised for each kind of handle, with the members that the one for ir::Value below has.
template <class V>
struct HandleTraits {
  static constexpr bool is_handle = false;
};

template <class V>
concept Handle = HandleTraits<V>::is_handle;

template <>
struct HandleTraits<Value> {
  static constexpr bool is_handle = true;
  class Recording {
   public:
    /// `anchor`: one of the handles that take part; never null for ir::Value, whose functions without operands take a
    /// Graph.
    Recording(Source at, const Value* anchor) : graph_(anchor->graph()), sets_location_(!graph_.location().file) {
      if (sets_location_) graph_.set_location({at.file, at.line, graph_.location().path});
    }
    ~Recording() {
      if (sets_location_) graph_.set_location({nullptr, 0, graph_.location().path});
    }
    Recording(const Recording&) = delete;
    Graph& graph() { return graph_; }

   private:
    Graph& graph_;
    bool sets_location_;
  };
  static Value enter(Recording&, const Value& x) { return x; }
  static Value leave(Recording&, Value x) { return x; }
};

/// Adds the line to an error that names none yet. `what`: "recorded at" or "looked at in".
void note_line(base::Error& error, const ir::Location& where, std::string_view what = "recorded at");

/// f(); an error that names no line gets the caller's: most checks see shapes and axes, not who asked.
template <class F>
decltype(auto) noting_line(Source at, F&& f) {
  try {
    return f();
  } catch (base::Error& error) {
    note_line(error, {at.file, at.line, nullptr});
    throw;
  }
}
/// The same with the line of an open recording.
template <class R, class F>
decltype(auto) noting_line_of(R& recording, F&& f) {
  const uint64_t questions = ir::questions_asked();
  try {
    return f();
  } catch (base::Error& error) {
    ir::refuse_question_of_count(error, recording.graph(), questions);
    note_line(error, recording.graph().location());
    throw;
  }
}

namespace detail {

template <class V>
const V* anchor_of(const V& x) {
  return &x;
}
template <class V>
const V* anchor_of(const std::vector<V>& xs) {
  return xs.empty() ? nullptr : xs.data();
}
template <class V>
const V* anchor_of(const std::optional<V>& x) {
  return x ? &*x : nullptr;
}

template <Handle V, class R>
Value enter(R& recording, const V& x) {
  return HandleTraits<V>::enter(recording, x);
}
template <Handle V, class R>
std::vector<Value> enter(R& recording, const std::vector<V>& xs) {
  std::vector<Value> values;
  for (const V& x : xs) values.push_back(HandleTraits<V>::enter(recording, x));
  return values;
}
/// A missing optional operand is a null Value.
template <Handle V, class R>
Value enter(R& recording, const std::optional<V>& x) {
  return x ? HandleTraits<V>::enter(recording, *x) : Value{};
}

template <Handle V, class R>
V leave(R& recording, Value x) {
  return HandleTraits<V>::leave(recording, x);
}
template <Handle V, class R>
std::vector<V> leave(R& recording, const std::vector<Value>& xs) {
  std::vector<V> handles;
  for (const Value& x : xs) handles.push_back(HandleTraits<V>::leave(recording, x));
  return handles;
}
template <Handle V, class R, size_t n>
std::array<V, n> leave(R& recording, const std::array<Value, n>& xs) {
  return [&]<size_t... i>(std::index_sequence<i...>) {
    return std::array<V, n>{HandleTraits<V>::leave(recording, xs[i])...};
  }(std::make_index_sequence<n>());
}
template <Handle V, class R>
std::pair<V, V> leave(R& recording, const std::pair<Value, Value>& xs) {
  return {HandleTraits<V>::leave(recording, xs.first), HandleTraits<V>::leave(recording, xs.second)};
}

template <class V>
const V* first_anchor(std::initializer_list<const V*> anchors) {
  for (const V* a : anchors)
    if (a) return a;
  return nullptr;
}

}  // namespace detail

/// Runs f on the graph values of handles xs (V, vector<V> or optional<V> each) with the caller's position; what f
/// returns (Value, vector, array or pair of them) comes back as handles.
template <Handle V, class F, class... X>
auto lift(Source at, F&& f, const X&... xs) {
  typename HandleTraits<V>::Recording recording(at, detail::first_anchor<V>({detail::anchor_of<V>(xs)...}));
  return noting_line_of(recording, [&] { return detail::leave<V>(recording, f(detail::enter<V>(recording, xs)...)); });
}

/// Records one op with one result.
template <Handle V>
V call(Source at, const Op& op, std::initializer_list<V> operands, std::initializer_list<Attr> attrs = {},
       std::span<const GraphRef> regions = {}) {
  typename HandleTraits<V>::Recording recording(at, operands.begin());
  return noting_line_of(recording, [&] {
    Value values[8];
    size_t count = 0;
    for (const V& x : operands) values[count++] = HandleTraits<V>::enter(recording, x);
    const std::span<const Attr> attr_list(attrs.begin(), attrs.size());
    return HandleTraits<V>::leave(recording, recording.graph().add(op, {values, count}, attr_list, regions)->result());
  });
}

}  // namespace strata::ops
