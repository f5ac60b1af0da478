#include "strata/tensor/testing/runs_under_jit.h"

namespace strata::testing {

Tensor numbers(const Sizes& shape, int seed, DType dtype) {
  HostArray array(dtype, shape);
  for (int64_t i = 0; i < array.elements(); ++i)
    array.set(i,
              static_cast<double>((i * 37 + seed * 11) % 29 - (is_float(dtype) ? 14 : 0)) / (is_float(dtype) ? 4 : 1));
  return Tensor(std::move(array));
}

void expect_same(const Outcome& eager, const Outcome& compiled, const std::string& what) {
  const auto code = [](const std::string& text) { return text.substr(0, text.find(']')); };
  EXPECT_EQ(code(compiled.error), code(eager.error))
      << what << "\neager: " << eager.error << "\njit:   " << compiled.error;
  ASSERT_EQ(compiled.tensors.size(), eager.tensors.size()) << what;
  for (size_t i = 0; i < eager.tensors.size(); ++i) {
    const HostArray &a = eager.tensors[i].array(), &b = compiled.tensors[i].array();
    EXPECT_EQ(a.shape(), b.shape()) << what;
    EXPECT_TRUE(a.same_bits(b)) << what << "\neager: " << eager.tensors[i].str()
                                << "\njit:   " << compiled.tensors[i].str();
  }
}

}  // namespace strata::testing
