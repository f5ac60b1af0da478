#include "strata/tensor/tensor_dim.h"

#include "strata/tensor/recording/dim_guards.h"

namespace strata {

bool tensor_detail::same_size(ir::Dim a, ir::Dim b, ops::Source at) {
  const ir::Dim difference = a - b;
  if (difference.is_constant()) return difference.constant() == 0;
  try {
    return recording_detail::DimGuards::ask_equal(a, b, at).value_or(false);
  } catch (base::Error& error) {  // a size that is data
    ops::note_line(error, {at.file, at.line, nullptr}, "looked at in");
    throw;
  }
}

bool TensorShape::equals(const ir::Shape& other) const {
  if (size() != other.size()) return false;
  for (size_t axis = 0; axis < size(); ++axis)
    if (!((*this)[axis] == other[axis])) return false;
  return true;
}

}  // namespace strata
