// Operators of handles: x + y, 2.0 * x, -x, x < y. Operands broadcast; literals take the tensor's dtype.
//
// A class that stands for tensors derives from Operators<itself>; ir::Value, which is plain data of a lower folder,
// gets them as functions that argument-dependent lookup finds through the using-declarations at the end. `==` is left
// alone: on Value it is identity (write eq(x, y)).
#pragma once

#include "strata/ops/elementwise/elementwise.h"

namespace strata::ops {

template <class V>
struct Operators : HandleTag {
  friend V operator+(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kAdd, x, y); }
  friend V operator-(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kSub, x, y); }
  friend V operator*(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kMul, x, y); }
  friend V operator/(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kDiv, x, y); }
  friend V operator%(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kRem, x, y); }
  friend V operator&(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kAnd, x, y); }
  friend V operator|(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kOr, x, y); }
  friend V operator^(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kXor, x, y); }
  friend V operator<(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kLt, x, y); }
  friend V operator<=(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kLe, x, y); }
  friend V operator>(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kGt, x, y); }
  friend V operator>=(const Operand<V>& x, const Operand<V>& y) { return binary<V>(x.at, kGe, x, y); }
  friend V operator-(const Operand<V>& x) { return neg(*x.handle, x.at); }
  friend V operator~(const Operand<V>& x) { return bitwise_not(*x.handle, x.at); }
};

using ValueOperand = Operand<Value>;
inline Value operator+(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kAdd, x, y); }
inline Value operator-(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kSub, x, y); }
inline Value operator*(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kMul, x, y); }
inline Value operator/(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kDiv, x, y); }
inline Value operator%(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kRem, x, y); }
inline Value operator&(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kAnd, x, y); }
inline Value operator|(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kOr, x, y); }
inline Value operator^(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kXor, x, y); }
inline Value operator<(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kLt, x, y); }
inline Value operator<=(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kLe, x, y); }
inline Value operator>(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kGt, x, y); }
inline Value operator>=(const ValueOperand& x, const ValueOperand& y) { return binary<Value>(x.at, kGe, x, y); }
inline Value operator-(Value x) { return neg(x); }
inline Value operator~(Value x) { return bitwise_not(x); }

}  // namespace strata::ops

namespace strata::ir {
using ops::operator+;
using ops::operator-;
using ops::operator*;
using ops::operator/;
using ops::operator%;
using ops::operator&;
using ops::operator|;
using ops::operator^;
using ops::operator<;
using ops::operator<=;
using ops::operator>;
using ops::operator>=;
using ops::operator~;
}  // namespace strata::ir
