// The nests of examples/loops as a C++ programmer writes them down, compiled at -O3 for this machine, with FMAs: the
// peer of the polyhedral scheduler. One thread, as written; run {"nest": "seidel" | "jacobi" | "lu" | "blur", "n",
// "steps"}.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "peer_program.h"

namespace {

using strata_peer::Json;
using Matrix = std::vector<float>;

Matrix matrix(long rows, long columns) {
  Matrix made(static_cast<size_t>(rows * columns));
  for (size_t i = 0; i < made.size(); ++i) made[i] = static_cast<float>(i % 17) / 17 + 0.5f;
  return made;
}

void seidel(float* a, long n, long steps) {
  for (long t = 0; t < steps; ++t)
    for (long i = 1; i < n - 1; ++i)
      for (long j = 1; j < n - 1; ++j)
        a[i * n + j] =
            (a[(i - 1) * n + j - 1] + a[(i - 1) * n + j] + a[(i - 1) * n + j + 1] + a[i * n + j - 1] + a[i * n + j] +
             a[i * n + j + 1] + a[(i + 1) * n + j - 1] + a[(i + 1) * n + j] + a[(i + 1) * n + j + 1]) *
            0.1111111f;
}

void jacobi(float* a, float* b, long n, long steps) {
  for (long t = 0; t < steps; ++t) {
    for (long i = 1; i < n - 1; ++i)
      for (long j = 1; j < n - 1; ++j)
        b[i * n + j] =
            (a[i * n + j] + a[i * n + j - 1] + a[i * n + j + 1] + a[(i - 1) * n + j] + a[(i + 1) * n + j]) * 0.2f;
    for (long i = 1; i < n - 1; ++i)
      for (long j = 1; j < n - 1; ++j)
        a[i * n + j] =
            (b[i * n + j] + b[i * n + j - 1] + b[i * n + j + 1] + b[(i - 1) * n + j] + b[(i + 1) * n + j]) * 0.2f;
  }
}

void lu(float* a, long n) {
  for (long k = 0; k < n; ++k)
    for (long i = k + 1; i < n; ++i) {
      a[i * n + k] /= a[k * n + k];
      for (long j = k + 1; j < n; ++j) a[i * n + j] -= a[i * n + k] * a[k * n + j];
    }
}

void blur(const float* in, float* rows, float* out, long h, long w) {
  for (long y = 0; y < h + 2; ++y)
    for (long x = 0; x < w; ++x) {
      const float* at = in + y * (w + 2) + x;
      rows[y * w + x] = (at[0] + at[1] + at[2]) * 0.3333333f;
    }
  for (long y = 0; y < h; ++y)
    for (long x = 0; x < w; ++x)
      out[y * w + x] = (rows[y * w + x] + rows[(y + 1) * w + x] + rows[(y + 2) * w + x]) * 0.3333333f;
}

/// Arrays that a nest works on, made once.
struct Arrays {
  Matrix a, b, c;
};

double run_once(const Json& request, Arrays& arrays) {
  const long n = strata_peer::number(request, "n"), steps = strata_peer::number(request, "steps");
  const std::string& nest = request.at("nest").as_string();
  const bool is_lu = nest == "lu";
  if (nest == "blur") {
    if (arrays.a.empty()) arrays = {matrix(n + 2, n + 2), matrix(n + 2, n), matrix(n, n)};
  } else if (is_lu) {
    // Each run starts with the matrix itself, as on our side; its diagonal is large, so that no pivot is small.
    arrays.a = matrix(n, n);
    for (long i = 0; i < n; ++i) arrays.a[static_cast<size_t>(i * n + i)] += static_cast<float>(n);
  } else if (arrays.a.empty()) {
    arrays = {matrix(n, n), matrix(n, n), {}};
  }
  const double start = strata_peer::wall_seconds();
  if (is_lu)
    lu(arrays.a.data(), n);
  else if (nest == "seidel")
    seidel(arrays.a.data(), n, steps);
  else if (nest == "jacobi")
    jacobi(arrays.a.data(), arrays.b.data(), n, steps);
  else
    blur(arrays.a.data(), arrays.b.data(), arrays.c.data(), n, n);
  return strata_peer::wall_seconds() - start;
}

}  // namespace

int main() {
  std::map<std::string, Arrays> known;
  return strata_peer::serve(
      [](const Json&) { return strata_peer::introduced("naive nest", "g++ " __VERSION__ " -O3"); },
      [&](const Json& request) {
        Arrays& arrays = known[request.dump()];
        return strata_peer::seconds_of_burst([&] { return run_once(request, arrays); });
      });
}
