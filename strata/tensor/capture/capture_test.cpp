// What the report says of recordings, and that a size alone never compiles again.
#include "strata/tensor/capture/capture.h"

#include <gtest/gtest.h>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/lazy/compilation.h"
#include "strata/tensor/random.h"

namespace strata {
namespace {

using base::code_of;

base::Json function(std::string_view name) {
  const base::Json report = capture_json();
  for (const base::Json& f : report.at("log").at("functions").items())
    if (f.at("name").as_string() == name) return f;
  return {};
}

TEST(Capture, ASizeAloneRecordsNothing) {
  auto layer = jit([](const Tensor& x, const Tensor& w) { return sum(tanh(matmul(x, w)), {1}); }, {.name = "layer"});
  const Tensor w = normal(Key(1), {6, 3}).evaluate();
  for (int64_t rows = 0; rows <= 100; ++rows) layer(Tensor(HostArray(DType::f32, {rows, 6})), w).evaluate();
  EXPECT_EQ(layer.recordings(), 1);
  const base::Json f = function("layer");
  EXPECT_EQ(f.at("calls").as_int(), 101);
  EXPECT_EQ(f.at("programs").as_int(), 1);
  EXPECT_EQ(f.at("recordings").at(size_t{0}).at("reason").as_string(), "it was called for the first time");
}

TEST(Capture, SaysWhyAFunctionIsRecordedAgain) {
  auto f = jit(
      [](const Tensor& x) {
        if (x.dim(0) == Dim(3)) return x * 2.0;
        return x + 1.0;
      },
      {.name = "branches"});
  f(Tensor::ones({5, 2})).evaluate();
  f(Tensor::ones({3, 2})).evaluate();
  f(Tensor::ones({3, 4})).evaluate();
  EXPECT_EQ(f.recordings(), 3);
  const base::Json recordings = function("branches").at("recordings");
  EXPECT_NE(recordings.at(1).at("reason").as_string().find("a guard does not hold: B - 3 is not 0"), std::string::npos)
      << recordings.at(1).at("reason").as_string();
  EXPECT_EQ(recordings.at(2).at("reason").as_string(), "argument 0 is f32[B,4] and was f32[B,2]");
  EXPECT_NE(f.explain().find("recording of branches, because argument 0 is f32[B,4]"), std::string::npos);
}

TEST(Capture, CountsWhatIsRefusedByItsLine) {
  auto f = jit([](const Tensor& x) { return x * x.item(); }, {.name = "looks"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of([&] { f(Tensor::ones({1})); }), "E0501");
  const std::string text = capture_report();
  const size_t at = text.find("3 times: a value is looked at while the program is recorded at ");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_NE(text.find("capture_test.cpp", at), std::string::npos);
}

TEST(Capture, AnExceptionOfTheFunctionLeavesNothingBehind) {
  bool fails = true;
  auto f = jit(
      [&](const Tensor& x) {
        const Tensor y = exp(x);
        if (fails) throw std::runtime_error("the function's own");
        return y;
      },
      {.name = "throws"});
  EXPECT_THROW(f(Tensor::ones({2})), std::runtime_error);
  EXPECT_EQ(f.recordings(), 0);
  fails = false;
  EXPECT_NO_THROW(f(Tensor::ones({2})).evaluate());
  EXPECT_EQ(function("throws").at("programs").as_int(), 1);
}

TEST(Capture, TellsWhyALazyRecordingWasRunAndWhatOfItVaries) {
  const LazyCompilationScope scope(LazyCompilation::AtOnce);
  for (int64_t rows = 2; rows < 6; ++rows) (Tensor::ones({rows, 4}).evaluate() * 2.5).evaluate();
  const std::string text = capture_report();
  EXPECT_NE(text.find("because dimension 0 of operand 0 is 3 and was 2"), std::string::npos) << text;
  EXPECT_NE(text.find("a program for any S0: dimension 0 of operand 0"), std::string::npos) << text;
  EXPECT_NE(text.find("a value was looked at at"), std::string::npos) << text;
}

TEST(Capture, IsWrittenAndReadAsAFile) {
  const base::TempFolder folder;
  write_capture(folder / "report.json");
  EXPECT_NO_THROW(capture_text(base::read_json(folder / "report.json").value()));
  EXPECT_EQ(code_of([&] { write_capture(folder / "no/such/folder.json"); }), "E0002");
  EXPECT_EQ(code_of([&] { capture_text(base::Json::object()); }), "E0005");
  EXPECT_EQ(code_of([&] { capture_text(base::Json::object().set("strata_capture", 1)); }), "E0005");
  EXPECT_EQ(code_of([&] { capture_text(base::Json::object().set("strata_capture", 2)); }), "E0005");
}

}  // namespace
}  // namespace strata
