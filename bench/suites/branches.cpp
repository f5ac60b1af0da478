// What has an if or a check in its loops, and what vectorising around it gains: the same programs with the scalar loops
// that the ops write, through a schedule that cuts them into tasks and does nothing else. One thread.
#include <memory>

#include "bench/harness/contest.h"
#include "bench/harness/suite.h"
#include "bench/harness/threads_scope.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/loop/schedule_source.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"
#include "strata/runtime/execute/executable.h"

namespace strata::bench {
namespace {

/// `scalar`: the program whose loops are made scalar. Lines along the last axis have loops for lanes, which have no
/// scalar form; one more axis behind it keeps them away.
struct Workload {
  const char *name, *text, *scalar;
  std::vector<ir::HostArray> (*arguments)();
};

ir::HostArray numbers(std::vector<int64_t> shape) {
  ir::HostArray made(ir::DType::f32, std::move(shape));
  uint64_t state = 1;
  for (int64_t i = 0; i < made.elements(); ++i)
    made.set(i, static_cast<double>((state = state * 6364136223846793005u + 1442695040888963407u) >> 40) * 1e-6);
  return made;
}

ir::HostArray positions(int64_t count, int64_t below) {
  ir::HostArray made(ir::DType::i64, {count, 1});
  for (int64_t i = 0; i < count; ++i) made.set_int(i, i * 7919 % below);
  return made;
}

constexpr Workload kWorkloads[] = {
    {"argmax of the rows of f32[64,50257]",
     "func @rows(%x: f32[64,50257]) -> i64[64] { %0 = argmax %x {axis = 1} return %0 }",
     "func @rows(%x: f32[64,50257]) -> i64[64,1] { %0 = reshape %x {dims = [64, 50257, 1]} %1 = argmax %0 {axis = 1} "
     "return %1 }",
     [] { return std::vector{numbers({64, 50257})}; }},
    {"argmax of one row of f32[50257]", "func @row(%x: f32[50257]) -> i64[] { %0 = argmax %x {axis = 0} return %0 }",
     "func @row(%x: f32[50257]) -> i64[1] { %0 = reshape %x {dims = [50257, 1]} %1 = argmax %0 {axis = 0} return %1 }",
     [] { return std::vector{numbers({50257})}; }},
    {"argmax of the columns of f32[1000,1000]",
     "func @columns(%x: f32[1000,1000]) -> i64[1000] { %0 = argmax %x {axis = 0} return %0 }", nullptr,
     [] { return std::vector{numbers({1000, 1000})}; }},
    {"512 checked rows of a table f32[1000,768]",
     "func @lookup(%t: f32[1000,768], %i: i64[512,1]) -> f32[512,768] { %0 = gather %t, %i {axes = [0], batch = 0, "
     "mode = \"check\", most = 0} return %0 }",
     nullptr, [] { return std::vector{numbers({1000, 768}), positions(512, 1000)}; }},
    {"512 rows added into a table f32[1000,768]",
     "func @add(%t: f32[1000,768], %i: i64[512,1], %u: f32[512,768]) -> f32[1000,768] { %0 = scatter %t, %i, %u {axes "
     "= [0], batch = 0, mode = \"fill\", combine = \"add\", most = 0, in_place = false} return %0 }",
     nullptr, [] { return std::vector{numbers({1000, 768}), positions(512, 1000), numbers({512, 768})}; }}};

Contestant contestant(const char* name, const Workload& work, std::shared_ptr<const compiler::ScheduleSource> source) {
  const auto graph = ir::parse_graph(source && work.scalar ? work.scalar : work.text, ops::op_table()).value();
  compiler::CompileOptions options;
  options.schedules = std::move(source);
  const auto program = compiler::compile(graph, options);
  auto arguments = std::make_shared<std::vector<ir::HostArray>>(work.arguments());
  return {name, burst(
                    [program, arguments] {
                      std::vector<ir::HostArray> given;
                      for (const ir::HostArray& a : *arguments) given.push_back(a);
                      program->run(std::move(given));
                    },
                    1, 0.02)};
}

}  // namespace

void run_branches(const SuiteOptions& options, const Report& report) {
  const ThreadsScope one(1);
  const auto scalar = std::make_shared<const compiler::GivenSchedule>("parallel points by 1");
  for (const Workload& work : kWorkloads) {
    const Contestant contestants[] = {contestant("vectorised", work, nullptr), contestant("scalar", work, scalar)};
    const std::vector<double> seconds = contest(contestants, options.rounds);
    report({.workload = work.name,
            .peer = "the op's own loops in scalar code",
            .ours = seconds[0] * 1e6,
            .theirs = seconds[1] * 1e6,
            .unit = "us",
            .bar = 1});
  }
}

}  // namespace strata::bench
