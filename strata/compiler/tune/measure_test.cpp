// Measuring in a child: a schedule that fits, and compilers that are sabotaged for some.
#include "strata/compiler/tune/measure.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "strata/compiler/backends/backends.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler::tune {
namespace {

ir::loops::Kernel scaled_by(double factor) {
  return ir::loops::parse_kernel(fmt::format(R"(kernel @scaled(%x: f32[N,7]) -> (%y: f32[N,7]) where N >= 1 {{
    parallel i in 0..N {{ vector j in 0..7 {{ %y[i,j] = mul(%x[i,j], {:.1f}) }} }} }})",
                                             factor))
      .value();
}

/// LLVM's, but for schedules with tasks of certain sizes.
class Sabotaged final : public Target {
 public:
  std::string_view name() const override { return below_.name(); }
  std::string_view isa() const override { return below_.isa(); }
  std::string fingerprint() const override { return below_.fingerprint(); }
  std::optional<machine::VectorUnit> vector_unit() const override { return below_.vector_unit(); }
  ir::loops::Kernel schedule(const ir::loops::Kernel& naive, ScheduleReport* report,
                             const ScheduleOptions& options) const override {
    if (options.rewrites.ends_with("by 111")) return below_.schedule(scaled_by(3), report, options);
    if (options.rewrites.ends_with("by 222")) std::raise(SIGSEGV);
    if (options.rewrites.ends_with("by 333"))
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    if (options.rewrites.ends_with("by 444")) std::vector<char>(size_t{1} << 40).at(0) = 1;
    return below_.schedule(naive, report, options);
  }
  std::optional<std::string> refusal(const ir::loops::Kernel& kernel) const override { return below_.refusal(kernel); }
  Object compile(std::span<const ir::loops::Kernel* const> kernels) const override { return below_.compile(kernels); }
  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) const override {
    return below_.load(object);
  }

 private:
  const Target& below_ = llvm_target_for(machine::kScalar);
};

class Measuring : public testing::Test {
 protected:
  static std::string points(int tasks) { return fmt::format("vectorise axis 0 by 4, 1\nparallel points by {}", tasks); }
  Trial trial(const std::string& rewrites, double seconds = 20) {
    KernelBench bench([] { return scaled_by(2); }, target_, {50}, {.limits = {.seconds = seconds}});
    return bench.measure(rewrites, Effort::Quick);
  }
  static std::string rewrites_with(int tasks) {
    const ScheduleSpace space([] { return scaled_by(2); }, machine::kScalar.vectors, {50});
    std::string text = space.heuristic().value().rewrites;
    return text.substr(0, text.rfind(' ') + 1) + std::to_string(tasks);
  }

  Sabotaged target_;
};

TEST_F(Measuring, GivesATimeAndItsQuotientByTheHeuristics) {
  const Trial measured = trial(rewrites_with(16));
  EXPECT_EQ(measured.outcome, Outcome::Measured) << measured.reason;
  EXPECT_GT(measured.seconds, 0);
  EXPECT_GT(measured.quotient, 0);
}

TEST_F(Measuring, WorksWithSeveralThreads) {
  KernelBench bench([] { return scaled_by(2); }, target_, {5000}, {.threads = 2});
  EXPECT_EQ(bench.measure(rewrites_with(16), Effort::Quick).outcome, Outcome::Measured);
  EXPECT_TRUE(bench.promote(rewrites_with(24)));
  EXPECT_FALSE(bench.promote("pack rows"));
  EXPECT_EQ(bench.measure(rewrites_with(16), Effort::Thorough).outcome, Outcome::Measured);
}

TEST_F(Measuring, ARefusedTextCostsOneTrial) {
  const Trial refused = trial("tile rows by 3");
  EXPECT_EQ(refused.outcome, Outcome::Failed);
  EXPECT_TRUE(refused.reason.starts_with("E0317: ")) << refused.reason;
}

TEST_F(Measuring, OtherBitsAreNoMeasurement) {
  const Trial wrong = trial(rewrites_with(111));
  EXPECT_EQ(wrong.outcome, Outcome::WrongBits);
  EXPECT_NE(wrong.reason.find("element"), std::string::npos) << wrong.reason;
}

TEST_F(Measuring, ACrashCostsOneTrial) {
  const Trial crashed = trial(rewrites_with(222));
  EXPECT_EQ(crashed.outcome, Outcome::Crashed);
  EXPECT_EQ(crashed.reason, "signal 11 (SEGV)");
}

TEST_F(Measuring, AHangCostsOneTrial) {
  const Trial hung = trial(rewrites_with(333), 0.3);
  EXPECT_EQ(hung.outcome, Outcome::TimedOut);
  EXPECT_EQ(hung.reason, "it took more than 0.3 s");
}

TEST_F(Measuring, EatenMemoryCostsOneTrial) {
  const Trial greedy = trial(rewrites_with(444));
  EXPECT_EQ(greedy.outcome, Outcome::Failed);
  EXPECT_EQ(greedy.reason, "more memory than the limit of 8192 MiB");
}

}  // namespace
}  // namespace strata::compiler::tune
