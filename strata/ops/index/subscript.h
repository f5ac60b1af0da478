// x[...] as in NumPy: positions, slices, new axes and integer tensors, in one list.
//
//   subscript(x, {0, Slice{1, -1}, kNewAxis, kEllipsis, ids})        what Tensor::operator[] calls
//
//   position    an integer (or a Dim): the axis goes away. Negative counts from the end.
//   Slice       first : limit : step, each may be left out; bounds beyond the end are cut to it; a negative step walks
//               back.
//   kAll        the whole axis
//   kEllipsis   as many whole axes as fit
//   kNewAxis    an axis of extent 1
//   integers    a tensor of positions on the axis. Several broadcast together and pick points; their axes stand where
//               the first of them stood, or in front when a kept axis lies between them. An integer is no tensor here:
//               NumPy counts it as one, and so has x[0, :, ids] with the picked axis in front. A position out of range
//               fails when the program runs (E0118).
//
// On a symbolic axis a bound is taken as it is, and what must hold for it (B >= 6 for position 5) becomes a fact of the
// program, checked on entry (E0111; jit records a call that breaks it with its number, for which bounds are cut).
// Boolean masks are refused: how many elements they pick is only known at run time.
#pragma once

#include <concepts>
#include <optional>
#include <vector>

#include "strata/ops/index/in_place.h"
#include "strata/ops/operands/handle.h"

namespace strata::ops {

enum class Combine : uint8_t;  // index.h

struct Slice {
  std::optional<Dim> first, limit;
  int64_t step = 1;
};
struct AllOfAxis {};
struct Ellipsis {};
struct NewAxis {};
inline constexpr AllOfAxis kAll;
inline constexpr Ellipsis kEllipsis;
inline constexpr NewAxis kNewAxis;

/// One entry of the list, with the line of the expression that it stands in.
template <class V>
struct Subscript {
  enum class Kind : uint8_t { Position, Slice, Ellipsis, NewAxis, Indices };
  Kind kind = Kind::Slice;
  Dim position = 0;
  ops::Slice slice;
  std::optional<V> indices;
  Source at;

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Subscript(T position, Source at = Source::here())
      : kind(Kind::Position), position(static_cast<int64_t>(position)), at(at) {}
  Subscript(Dim position, Source at = Source::here()) : kind(Kind::Position), position(position), at(at) {}
  Subscript(ops::Slice slice, Source at = Source::here()) : slice(slice), at(at) {}
  Subscript(AllOfAxis, Source at = Source::here()) : at(at) {}
  Subscript(ops::Ellipsis, Source at = Source::here()) : kind(Kind::Ellipsis), at(at) {}
  Subscript(ops::NewAxis, Source at = Source::here()) : kind(Kind::NewAxis), at(at) {}
  Subscript(const V& indices, Source at = Source::here()) : kind(Kind::Indices), indices(indices), at(at) {}
  /// The same entry for another kind of handle.
  template <class W>
  Subscript(const Subscript<W>& other, std::optional<V> indices)
      : kind(static_cast<Kind>(other.kind)),
        position(other.position),
        slice(other.slice),
        indices(std::move(indices)),
        at(other.at) {}
};

Value subscript(Value x, const std::vector<Subscript<Value>>& list);
/// x with `update` (which broadcasts to the shape of x[list]) combined into x[list]; positions that are named twice
/// combine twice.
Value update_subscript(Value x, const std::vector<Subscript<Value>>& list, Value update, Combine combine,
                       InPlace in_place = InPlace::WherePossible);

namespace detail {

template <Handle V>
std::vector<V> indices_of(const std::vector<Subscript<V>>& list) {
  std::vector<V> indices;
  for (const Subscript<V>& s : list)
    if (s.indices) indices.push_back(*s.indices);
  return indices;
}
template <Handle V>
std::vector<Subscript<Value>> entered(const std::vector<Subscript<V>>& list, const std::vector<Value>& indices) {
  std::vector<Subscript<Value>> values;
  size_t next = 0;
  for (const Subscript<V>& s : list)
    values.emplace_back(s, s.indices ? std::optional<Value>(indices[next++]) : std::nullopt);
  return values;
}

}  // namespace detail

template <Handle V>
V subscript(V x, const std::vector<Subscript<V>>& list) {
  const auto f = [&](Value v, const std::vector<Value>& i) { return subscript(v, detail::entered(list, i)); };
  return lift<V>(list.empty() ? Source{} : list[0].at, f, x, detail::indices_of(list));
}
template <Handle V>
V update_subscript(V x, const std::vector<Subscript<V>>& list, V update, Combine combine,
                   InPlace in_place = InPlace::WherePossible) {
  const auto f = [&](Value v, Value u, const std::vector<Value>& i) {
    return update_subscript(v, detail::entered(list, i), u, combine, in_place);
  };
  return lift<V>(list.empty() ? Source{} : list[0].at, f, x, update, detail::indices_of(list));
}

}  // namespace strata::ops

namespace strata {

// What users find without `ops::`.
using ops::Combine, ops::Slice, ops::kAll, ops::kEllipsis, ops::kNewAxis;

}  // namespace strata
