// Chapter 1: tensors.
#include "strata/strata.h"

using namespace strata;

int main() {
  // A tensor is a handle to an array. Names and broadcasting are NumPy's; values never change, assignment rebinds.
  const Tensor row = Tensor::from({1.f, 2.f, 3.f});
  const Tensor column = reshape(Tensor::from({10.f, 20.f}), {2, 1});
  const Tensor table = row + column;  // [3] and [2,1] give [2,3]
  print("{}", table);

  // Nothing was computed until it was printed: ops are recorded, and what is looked at is compiled and run as one
  // program. A `FlushScope scope(FlushPolicy::Sync)` runs each op by itself, for debugging.
  const Tensor scaled = exp(-square(table - mean(table)) / 100);
  print("{}", sum(scaled, {1}));

  // Subscripts are NumPy's. A value never changes: at() makes the variable another value, and `table` is what it was.
  Tensor marked = table;
  marked.at({kAll, -1}) = 0;
  print("{} of {}\n{}", table[{1, Slice{0, 2}}], table[1], marked);

  // Between tensors no dtype is promoted silently; an untyped literal takes its tensor's dtype.
  const Tensor counts = Tensor::from({int32_t{3}, int32_t{5}});
  print("{}", counts * 2 + 1);

  // Errors name both types and the line that recorded the op.
  try {
    const Tensor wrong = matmul(table, row + Tensor::from({1.f, 2.f}));
    print("{}", wrong);
  } catch (const base::Error& error) {
    print("{}", error.text());
    return table.data<float>()[5] == 23 && error.code() == "E0101" ? 0 : 1;
  }
  return 1;
}
