// Dimensions and shapes of tensors, as a program asks for them. They compare as the eager run compares them: inside
// jit, where two dimensions may be symbolic and of equal size by chance, the answer is that of the call, and the
// recorded program is that of calls with the same answer.
//
//   if (x.dim(0) == y.dim(0)) ...          two recordings: for equal sizes, and for sizes that differ
//   Shape pairs = {x.dim(0) * 2, x.dim(1)};  used and not compared, a dimension is just a Dim
//
// What is kept as a plain Dim or Shape, and what floor_div() and the like make of it, is compared by form: two symbols
// differ there, whatever their sizes. So are dimensions outside of jit that a count leaves open.
#pragma once

#include <concepts>

#include "strata/ir/dim.h"
#include "strata/ir/type.h"
#include "strata/ops/operands/handle.h"

namespace strata {

class TensorDim : public ir::Dim {
 public:
  TensorDim(ir::Dim d, ops::Source asked_at) : Dim(d), asked_at_(asked_at) {}
  ops::Source asked_at() const { return asked_at_; }

 private:
  ops::Source asked_at_;
};

namespace tensor_detail {

/// As the call says that is being recorded, which becomes a guard of the program; outside of such a recording by form.
bool same_size(ir::Dim a, ir::Dim b, ops::Source at);

template <class A, class B>
concept OneIsAsked = (std::same_as<A, TensorDim> || std::same_as<B, TensorDim>) && std::convertible_to<A, ir::Dim> &&
                     std::convertible_to<B, ir::Dim>;

template <class A, class B>
ops::Source asked_at(const A& a, const B& b) {
  if constexpr (std::same_as<A, TensorDim>)
    return a.asked_at();
  else
    return b.asked_at();
}

}  // namespace tensor_detail

template <class A, class B>
  requires tensor_detail::OneIsAsked<A, B>
bool operator==(const A& a, const B& b) {
  return tensor_detail::same_size(a, b, tensor_detail::asked_at(a, b));
}

/// What is computed from a tensor's dimension is compared like one.
template <class A, class B>
  requires tensor_detail::OneIsAsked<A, B>
TensorDim operator+(const A& a, const B& b) {
  return {ir::Dim(a) + ir::Dim(b), tensor_detail::asked_at(a, b)};
}
template <class A, class B>
  requires tensor_detail::OneIsAsked<A, B>
TensorDim operator-(const A& a, const B& b) {
  return {ir::Dim(a) - ir::Dim(b), tensor_detail::asked_at(a, b)};
}
template <class A, class B>
  requires tensor_detail::OneIsAsked<A, B>
TensorDim operator*(const A& a, const B& b) {
  return {ir::Dim(a) * ir::Dim(b), tensor_detail::asked_at(a, b)};
}

class TensorShape : public ir::Shape {
 public:
  TensorShape(ir::Shape shape, ops::Source asked_at) : ir::Shape(std::move(shape)), asked_at_(asked_at) {}

  TensorDim operator[](size_t axis) const { return {ir::Shape::operator[](axis), asked_at_}; }
  TensorDim at(size_t axis) const { return {ir::Shape::at(axis), asked_at_}; }
  TensorDim front() const { return {ir::Shape::front(), asked_at_}; }
  TensorDim back() const { return {ir::Shape::back(), asked_at_}; }

  /// Equal rank and equal sizes.
  friend bool operator==(const TensorShape& a, const TensorShape& b) { return a.equals(b); }
  friend bool operator==(const TensorShape& a, const ir::Shape& b) { return a.equals(b); }

 private:
  bool equals(const ir::Shape& other) const;
  ops::Source asked_at_;
};

}  // namespace strata
