// The type of a value in the tensor program: the encoding of its elements and a shape of symbolic dimensions. Interned:
// a Type is one pointer, equal types are the same pointer, and types live as long as the process.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/dim.h"
#include "strata/ir/dtype.h"
#include "strata/ir/encoding/encoding.h"

namespace strata::ir {

using Shape = std::vector<Dim>;

struct TypeNode {
  Encoding encoding;
  Shape shape;
  base::Hash128 hash;
};

class Type {
 public:
  Type() = default;
  /// E0144 for an extent that the encoding's blocks don't divide.
  static Type of(Encoding encoding, std::span<const Dim> shape);
  static Type of(Encoding encoding, std::initializer_list<Dim> shape) {
    return of(encoding, std::span(shape.begin(), shape.size()));
  }
  static Type scalar(DType dtype) { return of(dtype, std::span<const Dim>()); }

  explicit operator bool() const { return node_ != nullptr; }
  friend bool operator==(Type a, Type b) { return a.node_ == b.node_; }

  Encoding encoding() const { return node_->encoding; }
  bool is_encoded() const { return !node_->encoding.is_plain(); }
  /// Of what is stored: u8 for an encoding of blocks.
  DType dtype() const { return node_->encoding.dtype(); }
  std::span<const Dim> shape() const { return node_->shape; }
  Dim dim(int axis) const { return node_->shape[axis < 0 ? rank() + axis : axis]; }
  int rank() const { return node_->shape.size(); }
  bool is_static() const;
  Dim elements() const { return product(node_->shape); }
  Dim bytes() const;
  /// The same memory as an array of a dtype: itself, or the u8 array that stores the blocks.
  Type stored() const;
  const base::Hash128& hash() const { return node_->hash; }

  Type with_dtype(DType dtype) const { return Encoding(dtype) == encoding() ? *this : of(dtype, node_->shape); }
  Type with_shape(std::span<const Dim> shape) const { return of(encoding(), shape); }

  std::string str() const;  ///< "f32[B,784]", "i64[]", "q4_0[32,4096]"

 private:
  explicit Type(const TypeNode* node) : node_(node) {}
  const TypeNode* node_ = nullptr;
};

std::string shape_str(std::span<const Dim> shape);  ///< "[B,784]"

}  // namespace strata::ir
