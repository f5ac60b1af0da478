// What becomes of work in a child: it answers, throws, crashes, hangs or eats memory, and this process goes on.
#include "strata/compiler/tune/child_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"

namespace strata::compiler::tune {
namespace {

[[noreturn]] void hang() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

/// No child is left, dead or alive.
void expect_no_child() { EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1); }

TEST(ChildProcess, AnswersWithWhatItHasFromItsParent) {
  std::vector<int> numbers{1, 2, 3};
  const ChildAnswer answer = run_in_child([&] {
    numbers[0] = 40;
    return std::to_string(numbers[0] + numbers[1]);
  });
  EXPECT_EQ(answer.end, ChildEnd::Answered);
  EXPECT_EQ(answer.text, "42");
  EXPECT_EQ(numbers[0], 1) << "a child has a memory of its own";
  expect_no_child();
}

TEST(ChildProcess, GivesBackMuchTextAndNone) {
  const std::string much(3'000'000, 'x');
  EXPECT_EQ(run_in_child([&] { return much; }).text, much);
  EXPECT_EQ(run_in_child([] { return std::string(); }).end, ChildEnd::Answered);
  const ChildAnswer longer = run_in_child([&] { return much; }, {.answer_bytes = 1000});
  EXPECT_EQ(longer.end, ChildEnd::Threw);
  EXPECT_EQ(longer.text, "it answered more than 1000 bytes");
  expect_no_child();
}

TEST(ChildProcess, MayUseThreadsOfItsOwn) {
  base::ThreadPool::shared().run(4, [](base::TaskRange) {});
  const ChildAnswer answer = run_in_child([] {
    base::ThreadPool pool(2);
    std::vector<int> done(100);
    pool.run(100, [&](base::TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) done[static_cast<size_t>(i)] = 1;
    });
    int sum = 0;
    for (const int d : done) sum += d;
    return std::to_string(sum);
  });
  EXPECT_EQ(answer.text, "100");
}

TEST(ChildProcess, SaysWhatWasThrown) {
  const ChildAnswer own = run_in_child(
      []() -> std::string { throw base::Error(base::code::kUnfittingSchedule, "the nest has no loop k"); });
  EXPECT_EQ(own.end, ChildEnd::Threw);
  EXPECT_EQ(own.text, "E0317: the nest has no loop k");
  EXPECT_EQ(run_in_child([]() -> std::string { throw 1; }).text, "something that is no exception");
}

TEST(ChildProcess, SaysWhichSignalEndedIt) {
  const ChildAnswer broken = run_in_child([]() -> std::string {
    std::raise(SIGSEGV);
    return "";
  });
  EXPECT_EQ(broken.end, ChildEnd::Crashed);
  EXPECT_EQ(broken.text, "signal 11 (SEGV)");
  const ChildAnswer silent = run_in_child([]() -> std::string { ::_exit(3); });
  EXPECT_EQ(silent.end, ChildEnd::Crashed);
  EXPECT_EQ(silent.text, "it ended with code 3 and no answer");
  expect_no_child();
}

TEST(ChildProcess, IsKilledWhenTheTimeIsUpWithAllThatItStarted) {
  const ChildAnswer answer = run_in_child(
      []() -> std::string {
        ::fork();  // the grandchild hangs as well, and has the pipe
        hang();
      },
      {.seconds = 0.2});
  EXPECT_EQ(answer.end, ChildEnd::TimedOut);
  EXPECT_EQ(answer.text, "it took more than 0.2 s");
  expect_no_child();
}

TEST(ChildProcess, IsRefusedMoreMemoryThanItsLimit) {
  const ChildAnswer answer = run_in_child(
      [] {
        std::vector<std::unique_ptr<std::vector<char>>> all;
        for (int i = 0; i < 64; ++i) all.push_back(std::make_unique<std::vector<char>>(64 << 20));
        return std::to_string(all.size());
      },
      {.memory_bytes = int64_t{512} << 20});
  EXPECT_EQ(answer.end, ChildEnd::Threw);
  EXPECT_EQ(answer.text, "more memory than the limit of 512 MiB");
}

}  // namespace
}  // namespace strata::compiler::tune
