// A kernel alone as machine code; tasks that come in waves.
#include "strata/compiler/check/native_kernel.h"

#include <gtest/gtest.h>

#include <numeric>

#include "strata/base/error/message_of.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/compiler/backends/backends.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using ir::loops::Kernel;

Kernel parse(const std::string& text) { return ir::loops::parse_kernel(text).value(); }

/// Each task needs what a task of the wave before has done.
constexpr const char* kSteps = R"(kernel @steps(%a: inout i64[(W + 1) * T]) -> () dims(W, T) {
  parallel t in 0..W * T waves max(T, 1) { %a[t + T] = %a[floormod(t + 1, max(T, 1)) + floordiv(t, max(T, 1)) * T] + 1 }
})";

TEST(NativeKernel, RunsAWaveAfterTheOther) {
  const Kernel kernel = parse(kSteps);
  EXPECT_EQ(ir::loops::print(parse(ir::loops::print(kernel))), ir::loops::print(kernel));
  const NativeKernel native(chosen_target(), kernel);
  const int before = base::ThreadPool::shared().thread_count();
  for (const int threads : {1, 2, 5}) {
    base::ThreadPool::shared().set_thread_count(threads);
    for (const auto& [waves, tasks] :
         std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 0}, {1, 1}, {200, 7}, {50, 64}}) {
      std::vector<int64_t> a(static_cast<size_t>((waves + 1) * tasks));
      std::iota(a.begin(), a.begin() + tasks, 0);
      void* const pointers[] = {a.data()};
      const int64_t dims[] = {waves, tasks};
      native.run(pointers, dims);
      for (int64_t t = 0; t < tasks; ++t)
        ASSERT_EQ(a[static_cast<size_t>(waves * tasks + t)], (t + waves) % tasks + waves) << waves << " by " << tasks;
    }
  }
  base::ThreadPool::shared().set_thread_count(before);
}

TEST(NativeKernel, GivesWhatTheInterpreterGives) {
  const Kernel kernel = parse(kSteps);
  const std::vector<int64_t> dims = {4, 5};
  const auto buffers = make_buffers(kernel, dims, [](ir::HostArray& a, int64_t i) { a.set_int(i, 3 * i); });
  EXPECT_EQ(difference(kernel, run_interpreted(kernel, dims, buffers),
                       NativeKernel(chosen_target(), kernel).run_on_copies(dims, buffers)),
            "");
}

TEST(NativeKernel, TakesNoWaveOfASerialLoop) {
  const std::string message =
      base::message_of([] { parse("kernel @k(%a: inout i64[N]) -> () { for i in 0..N waves 2 { %a[i] = 1 } }"); });
  EXPECT_EQ(message.substr(0, message.find('\n')), "error[E0121]: kernel @k: a loop that is not parallel has waves");
}

}  // namespace
}  // namespace strata::compiler
