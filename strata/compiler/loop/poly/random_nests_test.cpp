// Random affine nests, by random polyhedral schedules: the same bits, each element made in the same way. isl judges
// each schedule by the dependences before its loops are made; this judges isl's dependences and our loops by running
// both.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::Kernel;

/// Text of a kernel over %a: f32[N + 8,N + 8], %b: f32[N + 8] and a scratch row, with indices that stay inside for
/// loops of at most N + 2 iterations.
class RandomNest {
 public:
  explicit RandomNest(uint64_t seed) : random_(seed) {}

  std::string kernel() {
    std::string text = "kernel @k(%a: inout f32[N + 8,N + 8], %b: inout f32[N + 8]) -> () dims(N) {\n";
    if (pick(2)) text += "scratch %s: f32[N + 8]\nfor z in 0..N + 8 { %s[z] = %b[z] }\n", has_scratch_ = true;
    const int nests = 1 + pick(2);
    for (int i = 0; i < nests; ++i) text += nest(1 + pick(3));
    return text + "}\n";
  }

  std::string schedule() {
    std::string text = pick(3) ? "poly auto" : "poly apart";
    if (pick(4)) {
      text += ", tile by";
      const int sizes = pick(4) ? 1 : 2;
      for (int i = 0; i < sizes; ++i) text += fmt::format("{} {}", i ? "," : "", pick(6));
    }
    return text + fmt::format(", lanes by {}, rows by {}, vectors by {}", 1 << pick(4), 1 + pick(4), 1 + pick(3));
  }

 private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<uint64_t>(below)); }

  std::string nest(int depth) {
    const std::string var = fmt::format("i{}", names_++);
    std::string text = fmt::format("for {} in {} {{\n", var, bounds());
    loops_.push_back(var);
    if (pick(4) == 0) text += reduction();
    if (depth == 1 || pick(3) == 0) text += statement();
    if (depth > 1) text += nest(depth - 1);
    if (depth > 1 && pick(3) == 0) text += statement();
    loops_.pop_back();
    return text + "}\n";
  }

  std::string bounds() {
    const std::string step = pick(4) ? "" : fmt::format(" step {}", 2 + pick(2));
    const std::string outer = loops_.empty() ? "" : loops_[pick(static_cast<int>(loops_.size()))];
    switch (loops_.empty() ? pick(3) : pick(6)) {
      case 0:
        return "0..N" + step;
      case 1:
        return "1..N + 1" + step;
      case 2:
        return "0..min(N, 5)" + step;
      case 3:
        return fmt::format("0..{} + 1{}", outer, step);
      case 4:
        return fmt::format("{}..N{}", outer, step);
      default:
        return fmt::format("floordiv({}, 2)..{} + 1{}", outer, outer, step);
    }
  }

  /// 0 .. N + 7
  std::string index() {
    const std::string var = loops_[pick(static_cast<int>(loops_.size()))];
    switch (pick(8)) {
      case 0:
        return fmt::format("N + 2 - {}", var);
      case 1:
        return fmt::format("floordiv({}, 2) + {}", var, pick(3));
      case 2:
        return fmt::format("{}", pick(4));
      default:
        return fmt::format("{} + {}", var, pick(4));
    }
  }

  std::string element() {
    const int which = pick(has_scratch_ ? 5 : 4);
    if (which < 2) return fmt::format("%a[{}, {}]", index(), index());
    return fmt::format("%{}[{}]", which == 4 ? "s" : "b", index());
  }

  std::string statement() {
    const std::string to = element();
    std::string text = pick(3) ? fmt::format("{} = fma({}, 0.5, {})\n", to, element(), pick(2) ? to : element())
                               : fmt::format("{} = add({}, {})\n", to, element(), element());
    if (pick(5)) return text;
    return fmt::format("if lt({}, {}) {{ {} }} else {{ {} = 0.25 }}\n", loops_.back(), 1 + pick(4), text, element());
  }

  std::string reduction() {
    const std::string acc = fmt::format("acc{}", names_), var = fmt::format("i{}", names_++);
    std::string text = fmt::format("var {}: f32 = {}\nfor {} in {} {{\n", acc, element(), var, bounds());
    loops_.push_back(var);
    text += fmt::format("{0} = fma({1}, 0.5, {0})\n", acc, element());
    loops_.pop_back();
    return text + fmt::format("}}\n{} = {}\n", element(), acc);
  }

  std::mt19937_64 random_;
  std::vector<std::string> loops_;
  int names_ = 0;
  bool has_scratch_ = false;
};

void compare_seed(uint64_t seed, int& compared) {
  RandomNest random(seed);
  const std::string text = random.kernel(), rewrites = random.schedule();
  const Kernel naive = ir::loops::parse_kernel(text).value();
  const machine::CpuTarget cpu = seed % 3 ? machine::kAvx2 : machine::kScalar;
  Kernel scheduled = naive;
  try {
    scheduled = schedule(naive, cpu.vectors, nullptr, {.rewrites = rewrites + ", effort by 20000"});
  } catch (const base::Error& error) {
    // What isl can't do in its time, or would take an element for each iteration, is refused; nothing else is.
    const bool is_refused =
        error.code() == base::code::kPolyhedralLimit || error.code() == base::code::kUnfittingSchedule;
    ASSERT_TRUE(is_refused) << error.what() << rewrites << "\n" << text;
    return;
  }
  ++compared;
  for (const int64_t n : {0, 1, 2, 7, 11})
    ASSERT_EQ(compare_kernels(naive, scheduled, {n}, cpu, n == 7 ? Run::InterpretAndNative : Run::InterpretOnly, seed),
              "")
        << "seed " << seed << ", N = " << n << ": " << rewrites << "\n"
        << text << ir::loops::print(scheduled);
}

TEST(RandomNests, KeepEveryDependenceUnderRandomSchedules) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    compare_seed(seed, compared);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(compared, 5);
}

TEST(RandomNestsSlow, KeepEveryDependenceUnderRandomSchedules) {
  int compared = 0;
  for (uint64_t seed = 1000; seed < 1100; ++seed) {  // in 1020 a range runs backwards, in 1069 one is left out
    compare_seed(seed, compared);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace strata::compiler
