// A program that is compiled here and read by a process without a compiler gives the same bits there.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "strata/base/bytes/temp_folder.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/compile.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/runtime/program/program_file.h"
#include "tests/program_files/made_up_arguments.h"

namespace strata {
namespace {

using ir::Dim;
using ir::Value;

/// What the reader prints, and its exit status.
struct Output {
  std::string text;
  int status = -1;
};
Output read_elsewhere(const std::string& file, int64_t extent) {
  const std::string command = std::string(PROGRAM_READER) + " " + file + " " + std::to_string(extent) + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return {};
  Output output;
  std::array<char, 256> part;
  while (std::fgets(part.data(), part.size(), pipe)) output.text += part.data();
  output.status = pclose(pipe);
  return output;
}

/// Huge angles, fused multiply-adds and rounding call functions of the host; a loop has a region.
std::shared_ptr<ir::Graph> graph() {
  auto graph = std::make_shared<ir::Graph>("elsewhere");
  const Value x = graph->add_parameter(ir::Type::of(ir::DType::f32, {Dim::symbol("B"), 37}), "x"),
              w = graph->add_parameter(ir::Type::of(ir::DType::f32, {37, 19}), "w");
  const Value y = ops::sin(ops::matmul(x, w) * 1e6) + ops::round(ops::matmul(x, w) * 3.0);
  const auto body = [](ir::Graph&, const std::vector<Value>& p) { return std::vector<Value>{ops::exp(p[0]) * 0.1}; };
  graph->set_results({ops::scan({.carries = {y}}, 5, body).carries[0], ops::reduce_sum(y, {0})});
  return graph;
}

TEST(ProgramFilesElsewhere, RunWithoutACompilerInTheProcess) {
  const base::TempFolder folder("program-elsewhere");
  const std::string file = folder.path() + "/p.strata";
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    const auto program = compiler::compile(graph(), {.target = &compiler::llvm_target_for(cpu)});
    runtime::write_program(file, *program);
    for (int64_t extent : {1, 2, 31}) {
      const Output output = read_elsewhere(file, extent);
      EXPECT_EQ(output.status, 0) << output.text;
      EXPECT_EQ(output.text, hash_of(program->run(made_up_arguments(*program, extent))) + "\n")
          << cpu.name << ", " << extent;
    }
  }
  EXPECT_NE(read_elsewhere(file, 0).text.find("E0324"), std::string::npos);
}

}  // namespace
}  // namespace strata
