// Errors name the user's line: each case stands on one line, whose number the error must show.
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/print/print.h"
#include "strata/tensor/transforms/checkpoint.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

template <class F>
void expect_line(int line, std::string_view code, F&& f) {
  try {
    f();
    ADD_FAILURE() << "line " << line << ": no error";
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), code) << e.text();
    EXPECT_NE(e.text().find("source_line_test.cpp:" + std::to_string(line)), std::string::npos) << line << e.text();
    EXPECT_EQ(e.text().find("recorded at \n"), std::string::npos) << e.text();
  }
}
#define EXPECT_LINE(code, ...) expect_line(__LINE__, code, [&] { __VA_ARGS__; })

const float kTwo[] = {1, 2};
const Tensor& a() {
  static const Tensor matrix = Tensor(HostArray(DType::f32, {2, 3}));
  return matrix;
}

TEST(SourceLine, IsInErrorsOfOpsThatCheckBeforeTheyRecord) {
  EXPECT_LINE("E0102", matmul(Tensor::scalar(1), a()));
  EXPECT_LINE("E0116", einsum("ij,jk->iz", std::vector<Tensor>{a(), a()}));
  EXPECT_LINE("E0115", sum(a(), {5}));
  EXPECT_LINE("E0115", softmax(a(), 9));
  EXPECT_LINE("E0101", reshape(a(), {-1, 4}));
  EXPECT_LINE("E0103", concat(std::vector<Tensor>{}, 0));
  EXPECT_LINE("E0135", Tensor::from({1, 2}) + 0.5);
  EXPECT_LINE("E0101", cross_entropy(a(), Tensor::from({1, 2, 0})));
}

TEST(SourceLine, IsInErrorsOfTensorsWithoutAValue) {
  const Tensor nothing;
  EXPECT_LINE("E0500", nothing + a());
  EXPECT_LINE("E0500", exp(nothing));
  EXPECT_LINE("E0500", nothing.item());
  EXPECT_LINE("E0500", nothing.rank());
  EXPECT_LINE("E0500", nothing.shape());
}

TEST(SourceLine, IsInErrorsOfMakingTensors) {
  EXPECT_LINE("E0116", Tensor::zeros({-3}));
  EXPECT_LINE("E0112", Tensor::zeros({1000000, 1000000}).str());
  EXPECT_LINE("E0137", Tensor::from(std::span<const float>(kTwo), {3}));
  EXPECT_LINE("E0137", Tensor::wrap(nullptr, DType::f32, {4}, nullptr));
  alignas(16) static char memory[64];
  EXPECT_LINE("E0137", Tensor::wrap(memory + 1, DType::f32, {4}, nullptr));
}

TEST(SourceLine, IsInErrorsOfLooking) {
  EXPECT_LINE("E0504", a().item());
  EXPECT_LINE("E0115", a().dim(7));
  EXPECT_LINE("E0115", a().size(-3));
  EXPECT_LINE("E0137", a().data<int32_t>());
  EXPECT_LINE("E0137", a().data<double>());
  Tensor leaked;
  auto f = jit([&](Tensor x) { return leaked = x * 2, x; });
  f(Tensor::from({1.f})).evaluate();
  EXPECT_LINE("E0502", leaked.str());
  EXPECT_LINE("E0502", print("{}", leaked));
  auto g = jit([](Tensor x) {
    EXPECT_LINE("E0501", x.item());
    return x;
  });
  g(Tensor::from({1.f}));
}

TEST(SourceLine, IsInErrorsOfFunctionsThatTakeTrees) {
  const Tensor yes = Tensor::scalar(1) > 0;
  EXPECT_LINE("E0531", cond(yes, [&] { return a(); }, [&] { return Tensor::from({1, 2}); }));
  EXPECT_LINE("E0100", cond(a(), [&] { return a(); }, [&] { return a(); }));
  EXPECT_LINE("E0531", while_loop([](const Tensor& s) { return s < 5; },
                                  [](const Tensor& s) { return cast(s, DType::f64); }, Tensor::scalar(0)));
  EXPECT_LINE("E0531", scan([](const Tensor& c, const Tensor&) { return std::pair(c, c); }, a(), Tensor::scalar(1)));
  EXPECT_LINE("E0530", vmap([](const Tensor& x) { return x; })(Tensor::scalar(1)));
}

}  // namespace
}  // namespace strata
