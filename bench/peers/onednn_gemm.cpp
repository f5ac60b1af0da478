// oneDNN's matmul as a peer process: run {"m", "n", "k", "count", "form"} makes so many products, each of matrices of
// its own, in the form
//
//   0  f32: operands are plain row-major, as ours are
//   1  u8 by i8 with a scale for each column, a bias and a zero point of the result, to u8
//   2  bf16 into f32; 0 seconds where this version has none for the CPU
//
// The primitive, not dnnl_sgemm: it has the newer kernels. The weights of 1 and 2 lie as the primitive wants them, made
// before it is timed.
#include <cstring>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>

#include "peer_program.h"

// Of the OpenMP API. Its header is the compiler's own, and GCC's is none that clang's tools can read.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int count);

namespace {

using strata_peer::Json;
using Kind = dnnl::memory::data_type;
using Dim = dnnl::memory::dim;

struct Size {
  Dim m, n, k;
};

/// A plain row-major matrix; `any`: as the primitive likes it.
dnnl::memory::desc matrix(Dim rows, Dim columns, Kind kind,
                          dnnl::memory::format_tag tag = dnnl::memory::format_tag::ab) {
  return {{rows, columns}, kind, tag};
}

dnnl::matmul::primitive_desc described(const dnnl::engine& engine, const Size& size, int form) {
  const auto any = dnnl::memory::format_tag::any;
  const auto [m, n, k] = size;
  if (form == 0) return {{matrix(m, k, Kind::f32), matrix(k, n, Kind::f32), matrix(m, n, Kind::f32)}, engine};
  if (form == 2) return {{matrix(m, k, Kind::bf16), matrix(k, n, Kind::bf16, any), matrix(m, n, Kind::f32)}, engine};
  dnnl::primitive_attr attributes;
  constexpr int of_columns = 2;
  std::vector<float> scales;
  for (Dim i = 0; i < n; ++i) scales.push_back(1e-5f * static_cast<float>(1 + i % 7));
  attributes.set_output_scales(of_columns, scales);
  attributes.set_zero_points(DNNL_ARG_DST, 0, {128});
  return {{matrix(m, k, Kind::u8), matrix(k, n, Kind::s8, any), matrix(1, n, Kind::s32), matrix(m, n, Kind::u8)},
          attributes,
          engine};
}

class Products {
 public:
  Products(const dnnl::engine& engine, const Size& size, int count, int form)
      : described_(described(engine, size, form)), matmul_(described_) {
    for (int i = 0; i < count; ++i) arguments_.push_back(filled(engine, form));
  }

  double run(dnnl::stream& stream) {
    const double start = strata_peer::seconds_now(omp_get_max_threads());
    for (const Arguments& arguments : arguments_) matmul_.execute(stream, arguments);
    stream.wait();
    return strata_peer::seconds_now(omp_get_max_threads()) - start;
  }

 private:
  using Arguments = std::unordered_map<int, dnnl::memory>;

  /// The values of bytes and of bf16 do not matter: small integers, and halves of f32, that are no NaN.
  Arguments filled(const dnnl::engine& engine, int form) const {
    Arguments arguments{{DNNL_ARG_SRC, dnnl::memory(described_.src_desc(), engine)},
                        {DNNL_ARG_WEIGHTS, dnnl::memory(described_.weights_desc(), engine)},
                        {DNNL_ARG_DST, dnnl::memory(described_.dst_desc(), engine)}};
    for (const int operand : {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS}) {
      const dnnl::memory& memory = arguments.at(operand);
      auto* bytes = static_cast<unsigned char*>(memory.get_data_handle());
      const size_t size = memory.get_desc().get_size();
      if (form == 0)
        for (size_t i = 0; i < size / sizeof(float); ++i)
          reinterpret_cast<float*>(bytes)[i] = static_cast<float>(i % 17) / 17 - 0.5f;
      else
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i % 61);
    }
    if (form == 1) {
      const dnnl::memory bias(described_.bias_desc(), engine);
      std::memset(bias.get_data_handle(), 0, described_.bias_desc().get_size());
      arguments.emplace(DNNL_ARG_BIAS, bias);
    }
    return arguments;
  }

  dnnl::matmul::primitive_desc described_;
  dnnl::matmul matmul_;
  std::vector<Arguments> arguments_;
};

using Known = std::map<std::tuple<Dim, Dim, Dim, int, int>, Products>;

double seconds_of(Known& known, const dnnl::engine& engine, dnnl::stream& stream, const Json& request) {
  using strata_peer::number;
  const Size size{number(request, "m"), number(request, "n"), number(request, "k")};
  const int count = number(request, "count", 1), form = number(request, "form");
  try {
    Products& products =
        known.try_emplace({size.m, size.n, size.k, count, form}, engine, size, count, form).first->second;
    return strata_peer::seconds_of_burst([&] { return products.run(stream); });
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return 0;
    throw;
  }
}

}  // namespace

int main() {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  Known known;
  return strata_peer::serve(
      [](const Json& request) {
        omp_set_num_threads(strata_peer::number(request, "threads"));
        const dnnl_version_t* v = dnnl_version();
        const std::string version =
            std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
        return strata_peer::introduced("oneDNN", version);
      },
      [&](const Json& request) { return seconds_of(known, engine, stream, request); });
}
