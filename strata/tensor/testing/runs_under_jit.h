// For tests: a program that runs eagerly runs under default jit, with the same bits, at every size that it is given.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/ops/numpy_names.h"
#include "strata/tensor/jit/jit.h"

namespace strata::testing {

using Sizes = std::vector<int64_t>;

/// Small numbers of both signs, other ones for each `seed`.
Tensor numbers(const Sizes& shape, int seed = 0, DType dtype = DType::f32);

/// The leaves of what a program gave, or the code of its error.
struct Outcome {
  std::vector<Tensor> tensors;
  std::string error;
};
void expect_same(const Outcome& eager, const Outcome& compiled, const std::string& what);

template <class F>
Outcome outcome_of(F&& f) {
  Outcome outcome;
  try {
    auto result = f();
    for (const Leaf& leaf : leaves_of(result).list) outcome.tensors.push_back(leaf.tensor().evaluate());
  } catch (const base::Error& error) {
    outcome = {{}, error.text()};
  }
  return outcome;
}

/// Calls the program eagerly and under jit with tensors of each row of shapes, in order; the rows again in the end must
/// record nothing. At most `most_recordings` programs for all rows.
template <size_t n, class F>
void runs_under_jit(std::string_view name, int most_recordings, F f, std::vector<std::array<Sizes, n>> rows,
                    JitOptions options = {}) {
  auto jitted = jit(f, std::move(options));
  auto call_all = [&] {
    for (size_t r = 0; r < rows.size(); ++r) {
      std::vector<Tensor> x;
      for (size_t i = 0; i < n; ++i) x.push_back(numbers(rows[r][i], 7 * r + i));
      [&]<size_t... i>(std::index_sequence<i...>) {
        const Outcome eager = outcome_of([&] { return f(x[i]...); });
        const Outcome compiled = outcome_of([&] { return jitted(x[i]...); });
        expect_same(eager, compiled, std::string(name) + ", row " + std::to_string(r));
      }(std::make_index_sequence<n>());
    }
  };
  call_all();
  std::printf("%-40s %2zu rows, %d recordings\n", std::string(name).c_str(), rows.size(), jitted.recordings());
  EXPECT_LE(jitted.recordings(), most_recordings) << name << "\n" << jitted.explain();
  const int before = jitted.recordings();
  call_all();
  EXPECT_EQ(jitted.recordings(), before) << name << "\n" << jitted.explain();
}

}  // namespace strata::testing
