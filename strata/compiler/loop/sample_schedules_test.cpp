// Every op's samples as machine code: scheduled for each instruction set, compiled, and bit for bit what the loop
// interpreter makes of the naive loops.
//
// What the host can't run is scheduled, run in the loop interpreter and compiled to an object all the same, and the
// test skips itself with the number of kernels that were "compiled, not run". The loops of 512-bit vectors run on any
// AVX2 host as well: compiled for AVX2, each vector of 16 lanes is split into two of 8.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/schedule_comparison.h"
#include "strata/compiler/tune/space.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ops/conformance/sample_arrays.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

using machine::CpuTarget;

/// Ops of a family; a family of many ops is tested in parts, so that the parts run side by side.
struct Part {
  std::string name;
  std::vector<const ir::Op*> ops;
};

/// How test listings show a part.
std::ostream& operator<<(std::ostream& out, const Part& part) { return out << part.name; }

std::vector<Part> parts() {
  constexpr size_t kOpsInAPart = 8;
  std::vector<Part> all;
  for (const ir::Op* op : ops::all_ops()) {
    if (!op->lower || !op->samples) continue;
    const auto number =
        std::count_if(all.begin(), all.end(), [&](const Part& p) { return p.ops[0]->family == op->family; });
    if (number == 0 || all.back().ops[0]->family != op->family || all.back().ops.size() == kOpsInAPart)
      all.push_back({fmt::format("{}_{}", op->family, number + 1), {}});
    all.back().ops.push_back(op);
  }
  return all;
}

void add_samples(const ir::Op& op, std::vector<ComparedKernel>& kernels) {
  for (const ir::Sample& sample : op.samples.fn()) {
    const auto graph = ops::sample_graph(op, sample);
    const ir::Node& node = *graph->nodes().back();
    const Form form = form_of(node);
    if (form == Form::Alias || form == Form::Command) continue;
    // One kernel has one index space: what has results of several shapes is taken apart before it is lowered.
    if (form == Form::Element && !std::ranges::all_of(node.types(), [&](ir::Type t) {
          return std::ranges::equal(t.shape(), node.type().shape());
        }))
      continue;
    ComparedKernel kernel{lower_kernel(node, graph->facts(), fmt::format("{}_{}", op.name, kernels.size())),
                          {},
                          ops::sample_arrays(sample, kernels.size() + 1)};
    kernel.dims.assign(kernel.naive.dims.size(), 3);
    kernels.push_back(std::move(kernel));
  }
}

class Samples : public testing::TestWithParam<std::tuple<Part, CompiledFor>> {};

TEST_P(Samples, GiveTheInterpretersBitsAsMachineCode) {
  const auto& [part, cpus] = GetParam();
  std::vector<ComparedKernel> kernels;
  for (const ir::Op* op : part.ops) add_samples(*op, kernels);
  ASSERT_FALSE(kernels.empty());
  ASSERT_EQ(compare_all(kernels, cpus), "");
  if (!machine::host_can_run(cpus.code))
    GTEST_SKIP() << kernels.size() << " kernels compiled, not run: this CPU has no " << cpus.code.name;
}

/// What a schedule prints is the schedule: given back as text it makes the same loops, whichever point of the space of
/// schedules it is.
TEST(ScheduleText, OfEverySampleMakesTheSameLoopsAgain) {
  std::vector<ComparedKernel> kernels;
  for (const ir::Op* op : ops::all_ops())
    if (op->lower && op->samples) add_samples(*op, kernels);
  int compared = 0;
  for (const ComparedKernel& kernel : kernels)
    for (const uint64_t variation : {0, 1, 2, 3}) {
      const machine::CpuTarget cpu = variation % 2 ? machine::kAvx2 : machine::kAvx512;
      ScheduleReport report;
      const auto chosen = schedule(kernel.naive, cpu.vectors, &report, {.variation = variation});
      if (!report.refusal.empty()) continue;
      const std::string text = fmt::format("{}", fmt::join(report.lines, "\n"));
      const auto again = schedule(kernel.naive, cpu.vectors, nullptr, {.rewrites = text});
      ASSERT_EQ(ir::loops::print(again), ir::loops::print(chosen)) << text;
      ++compared;
    }
  EXPECT_GT(compared, 1000);
}

/// What a tuner may come to from a kernel: drawn, changed, crossed. All of it is legal, prints itself, and gives the
/// naive loops' bits.
TEST(TunedSchedulesSlow, OfEverySampleGiveTheInterpretersBits) {
  std::vector<ComparedKernel> kernels;
  for (const ir::Op* op : ops::all_ops())
    if (op->lower && op->samples) add_samples(*op, kernels);
  int compared = 0;
  for (size_t k = 0; k < kernels.size(); ++k) {
    const machine::CpuTarget cpu = k % 2 ? machine::kAvx2 : machine::kAvx512;
    const ComparedKernel& kernel = kernels[k];
    const tune::ScheduleSpace space([&] { return kernel.naive; }, cpu.vectors, kernel.dims);
    base::SplitMix64 random(base::mix_bits(k));
    std::vector<std::optional<tune::Candidate>> found{space.random(random)};
    if (!found[0]) continue;
    found.push_back(space.mutation(*found[0], random));
    if (found[1]) found.push_back(space.crossing(*found[0], *found[1], random));
    for (const auto& candidate : found) {
      if (!candidate) continue;
      ScheduleReport report;
      const auto scheduled = schedule(kernel.naive, cpu.vectors, &report, {.rewrites = candidate->rewrites});
      ASSERT_EQ(space.of(fmt::format("{}", fmt::join(report.lines, "\n")))->rewrites, candidate->rewrites);
      ASSERT_EQ(compare_kernels(kernel.naive, scheduled, kernel.dims, cpu, Run::InterpretOnly, k), "")
          << kernel.naive.name << "\n"
          << candidate->rewrites << "\n"
          << ir::loops::print(kernel.naive);
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000);
}

INSTANTIATE_TEST_SUITE_P(Ops, Samples,
                         testing::Combine(testing::ValuesIn(parts()),
                                          testing::Values(CompiledFor{machine::kScalar, machine::kScalar},
                                                          CompiledFor{machine::kAvx2, machine::kAvx2},
                                                          CompiledFor{machine::kAvx512, machine::kAvx512},
                                                          CompiledFor{machine::kAvx512, machine::kAvx512Vnni},
                                                          CompiledFor{machine::kAvx512, machine::kAvx2})),
                         [](const auto& info) {
                           const Part& part = std::get<0>(info.param);
                           const CompiledFor& cpus = std::get<1>(info.param);
                           const char* code = cpus.schedule == cpus.code    ? ""
                                              : cpus.code == machine::kAvx2 ? "_in_halves"
                                                                            : "_with_vnni";
                           return fmt::format("{}_{}{}", part.name, cpus.schedule.name, code);
                         });

}  // namespace
}  // namespace strata::compiler
