// oneDNN's f32 matmul as a peer process: requests and replies as bench/harness/peer.h describes them.
//
// The primitive, not dnnl_sgemm: it has the newer kernels. Operands are plain row-major, as ours are.
#include <omp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>
#include <string>

#include <dnnl.hpp>

namespace {

/// The integer behind "key": in a line of JSON that our own harness wrote; 0 if there is none.
long field(const std::string& line, const std::string& key) {
  const size_t at = line.find("\"" + key + "\":");
  return at == std::string::npos ? 0 : std::strtol(line.c_str() + at + key.size() + 3, nullptr, 10);
}

/// A plain row-major matrix.
dnnl::memory::desc square(dnnl::memory::dim n) {
  const dnnl_dims_t sizes = {n, n};
  dnnl_memory_desc_t description;
  dnnl_memory_desc_init_by_tag(&description, 2, sizes, dnnl_f32, dnnl_ab);
  return dnnl::memory::desc(description);
}

class Product {
 public:
  Product(const dnnl::engine& engine, dnnl::memory::dim n)
      : description_(square(n)),
        a_(description_, engine),
        b_(description_, engine),
        c_(description_, engine),
        matmul_(dnnl::matmul::primitive_desc(dnnl::matmul::desc(description_, description_, description_), engine)) {
    for (dnnl::memory* m : {&a_, &b_}) {
      float* elements = static_cast<float*>(m->get_data_handle());
      for (dnnl::memory::dim i = 0; i < n * n; ++i) elements[i] = static_cast<float>(i % 17) / 17 - 0.5f;
    }
  }
  void run(dnnl::stream& stream) {
    matmul_.execute(stream, {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}});
    stream.wait();
  }

 private:
  dnnl::memory::desc description_;
  dnnl::memory a_, b_, c_;
  dnnl::matmul matmul_;
};

/// With one thread CPU time, else wall time, as on our side.
double seconds_now() {
  if (omp_get_max_threads() == 1) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds_of_burst(Product& product, dnnl::stream& stream) {
  int count = 0;
  double total = 0;
  for (product.run(stream); total < 0.1; ++count) {
    const double start = seconds_now();
    product.run(stream);
    total += seconds_now() - start;
  }
  return total / count;
}

void serve() {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  std::map<long, Product> products;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find("\"setup\"") != std::string::npos) {
      omp_set_num_threads(static_cast<int>(field(line, "threads")));
      const dnnl_version_t* v = dnnl_version();
      std::printf("{\"peer\": \"oneDNN\", \"version\": \"%d.%d.%d\"}\n", v->major, v->minor, v->patch);
    } else {
      const long n = field(line, "n");
      Product& product = products.try_emplace(n, engine, n).first->second;
      std::printf("{\"seconds\": %.9f}\n", seconds_of_burst(product, stream));
    }
    std::fflush(stdout);
  }
}

}  // namespace

int main() {
  try {
    serve();
  } catch (const std::exception& error) {
    std::printf("{\"error\": \"%s\"}\n", error.what());
    return 1;
  }
  return 0;
}
