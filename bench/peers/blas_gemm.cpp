// sgemm of a BLAS as a peer process: OpenBLAS or BLIS, whichever "library" setup names. Both choose kernels by tables
// of model numbers, and take those of much older CPUs where they don't know one: the core is forced to what the CPU
// has.
//
//   setup {"library": "openblas" | "blis", "threads", "core": "avx512" | "avx2"}
//   run   {"m", "n", "k", "count"}: so many products, each of matrices of its own, plain row-major
#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "peer_program.h"

namespace {

using strata_peer::Json;

/// cblas_sgemm, whose enums are ints.
using Sgemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float* a,
                       int a_stride, const float* b, int b_stride, float beta, float* c, int c_stride);
constexpr int kRowMajor = 101, kAsItIs = 111;

void* opened(const char* file) {
  if (void* library = ::dlopen(file, RTLD_NOW | RTLD_LOCAL)) return library;
  throw std::runtime_error(::dlerror());
}

template <class Function>
Function symbol(void* library, const char* name) {
  if (void* found = ::dlsym(library, name)) return reinterpret_cast<Function>(found);
  throw std::runtime_error(std::string("no symbol ") + name);
}

struct Blas {
  Sgemm sgemm = nullptr;
  int threads = 1;
};

/// Its environment is read while it is opened.
Json open_openblas(Blas& blas, bool has_avx512) {
  ::setenv("OPENBLAS_CORETYPE", has_avx512 ? "SkylakeX" : "Haswell", 1);
  ::setenv("OPENBLAS_NUM_THREADS", std::to_string(blas.threads).c_str(), 1);
  void* library = opened("libopenblas.so.0");
  blas.sgemm = symbol<Sgemm>(library, "cblas_sgemm");
  const std::string config = symbol<char* (*)()>(library, "openblas_get_config")();  // "OpenBLAS 0.3.21 ..."
  const size_t begin = config.find(' ') + 1;
  const std::string core = symbol<char* (*)()>(library, "openblas_get_corename")();
  return strata_peer::introduced("OpenBLAS", config.substr(begin, config.find(' ', begin) - begin) + ", " + core);
}

/// Cores are numbers of its enum arch_t: 0 is Skylake-X, 3 Haswell.
Json open_blis(Blas& blas, bool has_avx512) {
  ::setenv("BLIS_ARCH_TYPE", has_avx512 ? "0" : "3", 1);
  ::setenv("BLIS_NUM_THREADS", std::to_string(blas.threads).c_str(), 1);
  void* library = opened("libblis.so.4");
  blas.sgemm = symbol<Sgemm>(library, "cblas_sgemm");
  const std::string version = symbol<const char* (*)()>(library, "bli_info_get_version_str")();
  return strata_peer::introduced("BLIS", version + (has_avx512 ? ", skx" : ", haswell"));
}

/// Products of one size, each of matrices of its own.
class Products {
 public:
  Products(int m, int n, int k, int count) : m_(m), n_(n), k_(k), count_(count) {
    for (std::vector<float>* all : {&a_, &b_, &c_}) {
      all->resize(size_t{1} * count * (all == &a_ ? m * k : all == &b_ ? k * n : m * n));
      for (size_t i = 0; i < all->size(); ++i) (*all)[i] = static_cast<float>(i % 17) / 17 - 0.5F;
    }
  }

  double run(const Blas& blas) {
    const double start = strata_peer::seconds_now(blas.threads);
    for (size_t i = 0; i < static_cast<size_t>(count_); ++i)
      blas.sgemm(kRowMajor, kAsItIs, kAsItIs, m_, n_, k_, 1, a_.data() + i * m_ * k_, k_, b_.data() + i * k_ * n_, n_,
                 0, c_.data() + i * m_ * n_, n_);
    return strata_peer::seconds_now(blas.threads) - start;
  }

 private:
  int m_, n_, k_, count_;
  std::vector<float> a_, b_, c_;
};

}  // namespace

int main() {
  Blas blas;
  std::map<std::tuple<int, int, int, int>, Products> known;
  return strata_peer::serve(
      [&](const Json& request) {
        blas.threads = strata_peer::number(request, "threads");
        const bool has_avx512 = request.at("core").as_string() == "avx512";
        return request.at("library").as_string() == "blis" ? open_blis(blas, has_avx512)
                                                           : open_openblas(blas, has_avx512);
      },
      [&](const Json& request) {
        using strata_peer::number;
        const int m = number(request, "m"), n = number(request, "n"), k = number(request, "k"),
                  count = number(request, "count", 1);
        Products& products = known.try_emplace({m, n, k, count}, m, n, k, count).first->second;
        return strata_peer::seconds_of_burst([&] { return products.run(blas); });
      });
}
