// For tests: the cases of a file in tests/golden, which PyTorch computed (tools/golden/nn.py), and comparison with
// them.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "strata/formats/safetensors/reader.h"
#include "strata/tensor/tree.h"

namespace strata::nn {

class Golden {
 public:
  explicit Golden(const std::string& file) : file_(formats::SafetensorsFile::open("tests/golden/nn/" + file).value()) {}
  Tensor operator()(const std::string& name) const { return Tensor(file_.array(name)); }
  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

 private:
  formats::SafetensorsFile file_;
};

/// Each element within `tolerance` times the largest element (at least 1).
inline void expect_close(const Tensor& found, const Tensor& expected, const std::string& what,
                         double tolerance = 2e-6) {
  ASSERT_TRUE(found.defined()) << what;
  ASSERT_EQ(found.type().str(), expected.type().str()) << what;
  const HostArray &a = found.array(), &b = expected.array();
  double largest = 1;
  for (int64_t i = 0; i < b.elements(); ++i) largest = std::max(largest, std::abs(b.get(i)));
  for (int64_t i = 0; i < b.elements(); ++i)
    ASSERT_NEAR(a.get(i), b.get(i), tolerance * largest) << what << " element " << i;
}

}  // namespace strata::nn
