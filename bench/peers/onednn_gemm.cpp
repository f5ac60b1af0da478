// oneDNN's matmul as a peer process: requests and replies as bench/harness/peer.h describes them. "form" says which:
//
//   0  f32: operands are plain row-major, as ours are
//   1  u8 by i8 with a scale for each column, a bias and a zero point of the result, to u8
//   2  bf16 into f32; 0 seconds where this version has none for the CPU
//
// The primitive, not dnnl_sgemm: it has the newer kernels. The weights of 1 and 2 lie as the primitive wants them, made
// before it is timed.
#include <omp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>

namespace {

/// The integer behind "key": in a line of JSON that our own harness wrote; 0 if there is none.
long field(const std::string& line, const std::string& key) {
  const size_t at = line.find("\"" + key + "\":");
  return at == std::string::npos ? 0 : std::strtol(line.c_str() + at + key.size() + 3, nullptr, 10);
}

using Kind = dnnl::memory::data_type;

/// A plain row-major matrix; `any`: as the primitive likes it.
dnnl::memory::desc matrix(dnnl::memory::dim rows, dnnl::memory::dim columns, Kind kind,
                          dnnl::memory::format_tag tag = dnnl::memory::format_tag::ab) {
  return {{rows, columns}, kind, tag};
}

dnnl::matmul::primitive_desc described(const dnnl::engine& engine, dnnl::memory::dim n, long form) {
  const auto any = dnnl::memory::format_tag::any;
  if (form == 0) {
    const auto square = matrix(n, n, Kind::f32);
    return {{square, square, square}, engine};
  }
  if (form == 2) return {{matrix(n, n, Kind::bf16), matrix(n, n, Kind::bf16, any), matrix(n, n, Kind::f32)}, engine};
  dnnl::primitive_attr attributes;
  constexpr int of_columns = 2;
  std::vector<float> scales;
  for (dnnl::memory::dim i = 0; i < n; ++i) scales.push_back(1e-5f * static_cast<float>(1 + i % 7));
  attributes.set_output_scales(of_columns, scales);
  attributes.set_zero_points(DNNL_ARG_DST, 0, {128});
  return {{matrix(n, n, Kind::u8), matrix(n, n, Kind::s8, any), matrix(1, n, Kind::s32), matrix(n, n, Kind::u8)},
          attributes,
          engine};
}

class Product {
 public:
  Product(const dnnl::engine& engine, dnnl::memory::dim n, long form)
      : described_(described(engine, n, form)),
        a_(described_.src_desc(), engine),
        b_(described_.weights_desc(), engine),
        c_(described_.dst_desc(), engine),
        bias_(form == 1 ? described_.bias_desc() : dnnl::memory::desc(), engine),
        matmul_(described_) {
    // The values of bytes and of bf16 do not matter: small integers, and halves of f32, that are no NaN.
    for (const auto& [memory, desc] : {std::pair{&a_, described_.src_desc()}, {&b_, described_.weights_desc()}}) {
      auto* bytes = static_cast<unsigned char*>(memory->get_data_handle());
      if (form == 0)
        for (dnnl::memory::dim i = 0; i < n * n; ++i)
          reinterpret_cast<float*>(bytes)[i] = static_cast<float>(i % 17) / 17 - 0.5f;
      else
        for (size_t i = 0; i < desc.get_size(); ++i) bytes[i] = static_cast<unsigned char>(i % 61);
    }
    if (form == 1) std::memset(bias_.get_data_handle(), 0, described_.bias_desc().get_size());
    arguments_ = {{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}};
    if (form == 1) arguments_.emplace(DNNL_ARG_BIAS, bias_);
  }
  void run(dnnl::stream& stream) {
    matmul_.execute(stream, arguments_);
    stream.wait();
  }

 private:
  dnnl::matmul::primitive_desc described_;
  dnnl::memory a_, b_, c_, bias_;
  dnnl::matmul matmul_;
  std::unordered_map<int, dnnl::memory> arguments_;
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

using Products = std::map<std::pair<long, long>, Product>;

double seconds_of(Products& products, const dnnl::engine& engine, dnnl::stream& stream, long n, long form) {
  try {
    Product& product = products.try_emplace({n, form}, engine, n, form).first->second;
    return seconds_of_burst(product, stream);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return 0;
    throw;
  }
}

void serve() {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  Products products;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find("\"setup\"") != std::string::npos) {
      omp_set_num_threads(static_cast<int>(field(line, "threads")));
      const dnnl_version_t* v = dnnl_version();
      std::printf("{\"peer\": \"oneDNN\", \"version\": \"%d.%d.%d\"}\n", v->major, v->minor, v->patch);
    } else {
      const long n = field(line, "n"), form = field(line, "form");
      std::printf("{\"seconds\": %.9f}\n", seconds_of(products, engine, stream, n, form));
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
