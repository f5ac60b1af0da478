// Accuracy of the elementary functions: run by the loop interpreter on dense samples and compared with wider arithmetic
// (f32 with f64, f64 with 80-bit). The limits here are what the blocks' tolerances and the files' comments promise.
#include "strata/ops/scalar/scalar.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <random>

#include "strata/ir/loops/interpret.h"
#include "strata/ops/conformance/ulp_distance.h"

namespace strata::ops {
namespace {

using ir::DType;
using namespace ir::loops;
using Wide = long double;

struct Function {
  const char* name;
  std::function<Scalar(Scalar, Scalar)> lowered;
  std::function<Wide(Wide, Wide)> exact;
  double ulps_f32, ulps_f64;
  double low, high;  ///< where f64 samples are dense
  bool is_binary = false;
};

Wide sigmoid_wide(Wide x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
Wide sine_wide(Wide x) { return std::sin(x); }
Wide cosine_wide(Wide x) { return std::cos(x); }
Wide erf_inv_wide(Wide x) {
  if (std::fabs(x) >= 1 || std::isnan(x)) return std::fabs(x) == 1 ? x * HUGE_VALL : std::nan("");
  // Bisection on the erf or, near the ends, on erfc.
  const Wide target = std::fabs(x);
  if (target < 1e-9L) return x * 0.886226925452758013649083741670572591L;
  Wide low = 0, high = 10;
  for (int i = 0; i < 90; ++i) {
    const Wide middle = (low + high) / 2;
    const bool is_below = target < 0.5L ? std::erf(middle) < target : std::erfc(middle) > 1 - target;
    (is_below ? low : high) = middle;
  }
  return std::copysign((low + high) / 2, x);
}

const Function kFunctions[] = {
    {"exp", [](Scalar x, Scalar) { return exp(x); }, [](Wide x, Wide) { return std::exp(x); }, 1.5, 1.5, -745, 710},
    {"exp2", [](Scalar x, Scalar) { return exp2(x); }, [](Wide x, Wide) { return std::exp2(x); }, 1.5, 1.5, -1074,
     1024},
    {"expm1", [](Scalar x, Scalar) { return expm1(x); }, [](Wide x, Wide) { return std::expm1(x); }, 2.5, 2.5, -3, 3},
    {"sigmoid", [](Scalar x, Scalar) { return sigmoid(x); }, [](Wide x, Wide) { return sigmoid_wide(x); }, 3, 3, -20,
     20},
    {"tanh", [](Scalar x, Scalar) { return tanh(x); }, [](Wide x, Wide) { return std::tanh(x); }, 4, 4, -3, 3},
    {"log", [](Scalar x, Scalar) { return log(x); }, [](Wide x, Wide) { return std::log(x); }, 1.5, 1.5, 0.3, 3},
    {"log1p", [](Scalar x, Scalar) { return log1p(x); }, [](Wide x, Wide) { return std::log1p(x); }, 2.5, 2.5, -0.99,
     2},
    {"log2", [](Scalar x, Scalar) { return log2(x); }, [](Wide x, Wide) { return std::log2(x); }, 1.5, 1.5, 0.3, 3},
    {"log10", [](Scalar x, Scalar) { return log10(x); }, [](Wide x, Wide) { return std::log10(x); }, 1.5, 1.5, 0.3, 3},
    {"sin", [](Scalar x, Scalar) { return sin(x); }, [](Wide x, Wide) { return sine_wide(x); }, 1.5, 1.5, -100, 100},
    {"cos", [](Scalar x, Scalar) { return cos(x); }, [](Wide x, Wide) { return cosine_wide(x); }, 1.5, 1.5, -100, 100},
    {"erf", [](Scalar x, Scalar) { return erf(x); }, [](Wide x, Wide) { return std::erf(x); }, 2.5, 2.5, -6, 6},
    {"erfc", [](Scalar x, Scalar) { return erfc(x); }, [](Wide x, Wide) { return std::erfc(x); }, 6, 5, -6, 26},
    {"erf_inv", [](Scalar x, Scalar) { return erf_inv(x); }, [](Wide x, Wide) { return erf_inv_wide(x); }, 4, 4, -1, 1},
    {"rsqrt", [](Scalar x, Scalar) { return rsqrt(x); }, [](Wide x, Wide) { return 1 / std::sqrt(x); }, 1.5, 1.5, 0, 9},
    {"cbrt", [](Scalar x, Scalar) { return cbrt(x); }, [](Wide x, Wide) { return std::cbrt(x); }, 1.5, 1.5, -9, 9},
    {"pow", [](Scalar x, Scalar y) { return pow(x, y); }, [](Wide x, Wide y) { return std::pow(x, y); }, 1, 3, 0, 20,
     true},
    {"atan2", [](Scalar y, Scalar x) { return atan2(y, x); }, [](Wide y, Wide x) { return std::atan2(y, x); }, 4, 4, -3,
     3, true},
};

/// y[i] = f(a[i], b[i]) over n elements.
template <class T>
std::vector<T> run(const Function& f, DType t, const std::vector<T>& a, const std::vector<T>& b) {
  Kernel kernel;
  kernel.context = std::make_shared<LoopContext>();
  LoopContext& c = *kernel.context;
  const ir::Dim n(std::ssize(a));
  const Buffer* x = c.buffer({"x", t, {n}, BufferKind::Input});
  const Buffer* y = c.buffer({"y", t, {n}, BufferKind::Input});
  const Buffer* z = c.buffer({"z", t, {n}, BufferKind::Output});
  const LoopVar* i = c.loop_var("i");
  const Expr at = c.loop(i);
  const Scalar value = f.lowered({&c, c.load(x, {at})}, {&c, c.load(y, {at})});
  kernel.params = {x, y, z};
  kernel.body = {make_for(i, c.i64(0), c.dim(n), LoopKind::Serial, {make_store(z, {at}, value.expr)})};
  std::vector<T> out(a.size());
  void* buffers[] = {const_cast<T*>(a.data()), const_cast<T*>(b.data()), out.data()};
  RunStatus status;
  interpret(kernel, buffers, {}, status);
  return out;
}

template <class T>
void check(const Function& f, DType t, const std::vector<T>& a, const std::vector<T>& b, double limit) {
  const std::vector<T> actual = run(f, t, a, b);
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const Wide exact = f.exact(a[i], b[i]);
    const T rounded = static_cast<T>(exact);
    double error = ulp_distance(t, static_cast<double>(rounded), static_cast<double>(actual[i]));
    // Between finite numbers the error counts from the exact value, not from its rounding.
    if (std::isfinite(error) && std::isfinite(actual[i]) && std::isfinite(rounded) && rounded != 0) {
      const int exponent = std::max(std::ilogb(rounded), lowest_exponent(t));
      error =
          static_cast<double>(std::fabs(exact - Wide(actual[i])) / std::ldexp(Wide(1), exponent - fraction_bits(t)));
    }
    if (rounded == 0 && actual[i] == 0 && std::signbit(rounded) != std::signbit(actual[i])) error = INFINITY;
    if (error > worst) worst = error, where = i;
  }
  testing::Test::RecordProperty("worst_ulp", std::to_string(worst));
  std::printf("%-8s %s worst %.3f ulp\n", f.name, t == DType::f32 ? "f32" : "f64", worst);
  EXPECT_LE(worst, limit) << f.name << "(" << a[where] << ", " << b[where] << ") is " << actual[where] << ", exactly "
                          << static_cast<double>(f.exact(a[where], b[where]));
}

/// Every `stride`-th bit pattern: all binades, denormals, infinities and NaN.
std::vector<float> float_patterns(uint64_t stride) {
  std::vector<float> all;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += stride)
    all.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (float x : {0.0f, 1.0f, HUGE_VALF, 0x1p-126f, 0x1p-149f}) all.insert(all.end(), {x, -x});
  return all;
}

/// Half dense in [low, high], half over all binades.
std::vector<double> double_samples(int count, double low, double high, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> all;
  std::uniform_real_distribution<double> dense(low, high);
  for (int i = 0; i < count; ++i) all.push_back(i % 2 ? dense(random) : std::bit_cast<double>(random()));
  for (double x : {0.0, 1.0, HUGE_VAL, 0x1p-1022, 0x1p-1074, 0x1p1023}) all.insert(all.end(), {x, -x});
  return all;
}

class Elementary : public testing::TestWithParam<Function> {};

TEST_P(Elementary, F32StaysWithinItsLimit) {
  const Function& f = GetParam();
  const auto a = float_patterns(f.is_binary ? 60013 : 30011);
  std::vector<float> b(a.size(), 1.0f);
  std::mt19937 random(5);
  if (f.is_binary)
    for (float& y : b)
      y = random() % 4 ? std::uniform_real_distribution<float>(-10, 10)(random)
                       : std::bit_cast<float>(static_cast<uint32_t>(random()));
  check(f, DType::f32, a, b, f.ulps_f32);
}

TEST_P(Elementary, F64StaysWithinItsLimit) {
  const Function& f = GetParam();
  const int count = 60000;
  const auto a = double_samples(count, f.low, f.high, 1), b = double_samples(count, -200, 200, 2);
  check(f, DType::f64, a, b, f.ulps_f64);
}

TEST_P(Elementary, SpecialValuesPairwise) {
  const Function& f = GetParam();
  std::vector<double> a, b;
  const double special[] = {0.0,  -0.0,     1,         -1,           2,     -2,     3,     -3, 0.5,
                            -0.5, HUGE_VAL, -HUGE_VAL, std::nan(""), 1e300, -1e300, 1e-310};
  for (double x : special)
    for (double y : special) a.push_back(x), b.push_back(y);
  check(f, DType::f64, a, b, f.ulps_f64);
}

INSTANTIATE_TEST_SUITE_P(Scalar, Elementary, testing::ValuesIn(kFunctions),
                         [](const auto& info) { return std::string(info.param.name); });

class ElementarySlow : public testing::TestWithParam<Function> {};

TEST_P(ElementarySlow, F32EveryThousandthNumber) {
  const Function& f = GetParam();
  if (f.is_binary) GTEST_SKIP() << "two operands are sampled above";
  const auto a = float_patterns(1009);
  check(f, DType::f32, a, std::vector<float>(a.size(), 1.0f), f.ulps_f32);
}

INSTANTIATE_TEST_SUITE_P(Scalar, ElementarySlow, testing::ValuesIn(kFunctions),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace strata::ops
