// For tests: the cases of a file in tests/golden, which PyTorch computed (tools/golden/nn.py), and comparison with
// them.
#pragma once

#include <cmath>
#include <string>

#include "strata/formats/safetensors/reader.h"
#include "strata/tensor/tree/tree.h"

namespace strata::nn {

class Golden {
 public:
  explicit Golden(const std::string& file) : file_(formats::SafetensorsFile::open("tests/golden/nn/" + file).value()) {}
  Tensor operator()(const std::string& name) const { return Tensor(file_.array(name)); }
  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

 private:
  formats::SafetensorsFile file_;
};

/// What differs, for EXPECT_EQ(difference(...), ""): the types, or the first element that is farther away than
/// `tolerance` times the largest element (at least 1).
inline std::string difference(const Tensor& found, const Tensor& expected, double tolerance = 2e-6) {
  if (!found.defined()) return "no value";
  if (!(found.type() == expected.type())) return found.type().str() + " instead of " + expected.type().str();
  const HostArray &a = found.array(), &b = expected.array();
  double largest = 1;
  for (int64_t i = 0; i < b.elements(); ++i)
    if (std::abs(b.get(i)) > largest) largest = std::abs(b.get(i));
  for (int64_t i = 0; i < b.elements(); ++i)
    if (!(std::abs(a.get(i) - b.get(i)) <= tolerance * largest))
      return "element " + std::to_string(i) + " is " + std::to_string(a.get(i)) + " instead of " +
             std::to_string(b.get(i));
  return "";
}

}  // namespace strata::nn
