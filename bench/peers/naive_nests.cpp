// The nests of examples/loops as a C++ programmer writes them down, compiled at -O3 for this machine, with FMAs: the
// peer of the polyhedral scheduler. One thread, as written. Requests and replies as bench/harness/peer.h describes
// them.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

/// The integer behind "key": in a line of JSON that our own harness wrote; 0 if there is none.
long field(const std::string& line, const std::string& key) {
  const size_t at = line.find("\"" + key + "\":");
  return at == std::string::npos ? 0 : std::strtol(line.c_str() + at + key.size() + 3, nullptr, 10);
}

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

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Arrays that a nest works on, made once.
struct Arrays {
  Matrix a, b, c;
};

double run_once(const std::string& line, Arrays& arrays) {
  const long n = field(line, "n"), steps = field(line, "steps");
  const bool is_lu = line.find("\"lu\"") != std::string::npos;
  if (line.find("\"blur\"") != std::string::npos) {
    if (arrays.a.empty()) arrays = {matrix(n + 2, n + 2), matrix(n + 2, n), matrix(n, n)};
  } else if (is_lu) {
    // Each run starts with the matrix itself, as on our side; its diagonal is large, so that no pivot is small.
    arrays.a = matrix(n, n);
    for (long i = 0; i < n; ++i) arrays.a[static_cast<size_t>(i * n + i)] += static_cast<float>(n);
  } else if (arrays.a.empty()) {
    arrays = {matrix(n, n), matrix(n, n), {}};
  }
  const double start = seconds_now();
  if (is_lu)
    lu(arrays.a.data(), n);
  else if (line.find("\"seidel\"") != std::string::npos)
    seidel(arrays.a.data(), n, steps);
  else if (line.find("\"jacobi\"") != std::string::npos)
    jacobi(arrays.a.data(), arrays.b.data(), n, steps);
  else
    blur(arrays.a.data(), arrays.b.data(), arrays.c.data(), n, n);
  return seconds_now() - start;
}

/// Of one run, in a burst after one that is not timed.
double run(const std::string& line, Arrays& arrays) {
  run_once(line, arrays);
  int count = 0;
  double total = 0;
  for (; total < 0.1; ++count) total += run_once(line, arrays);
  return total / count;
}

}  // namespace

int main() {
  std::map<std::string, Arrays> known;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find("\"setup\"") != std::string::npos)
      std::printf("{\"peer\": \"naive nest\", \"version\": \"g++ %s -O3\"}\n", __VERSION__);
    else
      std::printf("{\"seconds\": %.9f}\n", run(line, known[line]));
    std::fflush(stdout);
  }
  return 0;
}
