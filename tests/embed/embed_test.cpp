// Programs as object files: two of them are linked into a program in C by the system's compiler, which then gives the
// bits that they give here, answers wrong calls with a status and a message, and has no compiler in it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdio>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/embed/write_object.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ops/list.h"

namespace strata {
namespace {

using ir::HostArray;

std::shared_ptr<const ir::Graph> parsed(const std::string& text) {
  return ir::parse_graph(text, ops::op_table()).value();
}

/// Its weights are embedded; sin calls functions of the host.
std::shared_ptr<const ir::Graph> mlp() {
  return parsed(
      R"(func @mlp(%x: f32[B,7], %layer.weight: f32[10,7], %layer.bias: f32[10]) -> f32[B,10] where B in [0, 64] {
  %0 = dot %x, %layer.weight {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  %1 = broadcast %layer.bias {shape = [B, 10], axes = [1]}
  %2 = add %0, %1
  %3 = maximum %2, 0.0
  %4 = mul %2, 1000000.0
  %5 = sin %4
  %6 = add %3, %5
  return %6
})");
}

/// Names that C does not take as they are.
std::shared_ptr<const ir::Graph> loop() {
  return parsed(R"(func @loop(%for: f32[5,16], %w: f32[16,16], %w.1: f32[16]) -> f32[16] {
  %1 = scan %w, %w.1, %for {length = [5], constants = 1, carries = 1, reverse = false}
    func @step(%v: f32[16,16], %c: f32[16], %s: f32[16]) -> (f32[16]) {
      %3 = dot %v, %c {lhs_contract = [1], rhs_contract = [0], lhs_batch = [], rhs_batch = [], result = f32}
      %4 = tanh %3
      %5 = add %4, %s
      %6 = sort %5 {axis = 0, descending = false}
      return %6
    }
  return %1
})");
}

/// As two_programs.c makes them up.
HostArray filled(std::vector<int64_t> shape, int64_t salt) {
  HostArray x(ir::DType::f32, std::move(shape));
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, static_cast<double>((i * 37 + salt) % 19 - 9) / 8);
  return x;
}

std::string bits_text(const std::string& name, const HostArray& y) {
  std::string text = name;
  for (const float v : y.as<float>()) text += fmt::format(" {:08x}", std::bit_cast<uint32_t>(v));
  return text + "\n";
}

struct Output {
  std::string text;
  int status = -1;
};
Output run_shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return {};
  Output output;
  std::array<char, 4096> part;
  while (std::fgets(part.data(), part.size(), pipe)) output.text += part.data();
  output.status = pclose(pipe);
  return output;
}

std::vector<embed::EmbeddedWeight> mlp_weights() {
  return {{"layer.weight", filled({10, 7}, 5)}, {"layer.bias", filled({10}, 6)}};
}

void write_program(const std::string& folder, const runtime::Executable& program, const embed::ObjectOptions& options) {
  base::write_file(folder + "/" + options.name + ".o", embed::object_of(program, options));
  base::write_file(folder + "/" + options.name + ".h", embed::header_of(program, options));
}

TEST(Embed, TwoProgramsInAProgramInCGiveTheBitsThatTheyGiveHere) {
  const base::TempFolder folder("embed");
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    const compiler::Target& target = compiler::llvm_target_for(cpu);
    const auto of_mlp = compiler::compile(mlp(), {.target = &target, .constants = {1, 2}});
    const auto of_loop = compiler::compile(loop(), {.target = &target});
    write_program(folder.path(), *of_mlp, {.name = "mlp", .weights = mlp_weights()});
    write_program(folder.path(), *of_loop, {.name = embed::c_name("loop-2"), .weights = {}});
    const std::string built = folder.path() + "/two_programs";
    const Output compiled =
        run_shell(fmt::format("{0} -std=c99 -D_GNU_SOURCE -pedantic -Wall -Wextra -Werror {1} {2}/two_programs.c "
                              "{3}/mlp.o {3}/loop_2.o -I {3} -I {4} {5} {6} "
                              "-lstdc++ -lm -pthread -o {7}",
                              C_COMPILER, SANITIZE, TEST_FOLDER, folder.path(), SOURCE_FOLDER, LIBRARY, OTHERS, built));
    ASSERT_EQ(compiled.status, 0) << compiled.text;
    for (const int64_t batch : {1, 3, 64}) {
      const HostArray x = filled({batch, 7}, 1);
      const HostArray y = of_mlp->run({x, mlp_weights()[0].array, mlp_weights()[1].array})[0];
      const HostArray last = of_loop->run({filled({5, 16}, 2), filled({16, 16}, 3), filled({16}, 4)})[0];
      for (const int threads : {1, 2}) {
        const Output output = run_shell(fmt::format("{} {} {}", built, batch, threads));
        EXPECT_EQ(output.status, 0) << output.text;
        EXPECT_EQ(output.text, bits_text("mlp", y) + bits_text("loop", last)) << cpu.name << ", " << batch;
      }
    }
    // An empty axis takes a program of its own, and there is no compiler.
    const Output empty = run_shell(built + " 0 1");
    EXPECT_NE(empty.text.find("E0324"), std::string::npos) << empty.text;
    EXPECT_NE(empty.text.find("hint: don't call it with nothing to do: sizes of 1 or more run here"), std::string::npos)
        << empty.text;
  }
}

TEST(Embed, TheProgramsMeanWhatTheInterpreterSays) {
  const HostArray arguments[] = {filled({3, 7}, 1), filled({10, 7}, 5), filled({10}, 6)};
  EXPECT_EQ(compiler::find_native_difference(mlp(), arguments), std::nullopt);
}

TEST(Embed, TheHeaderIsOneForCAndForCPlusPlus) {
  const base::TempFolder folder("embed");
  const auto program = compiler::compile(loop());
  const embed::ObjectOptions options{.name = "loop", .weights = {}};
  base::write_file(folder.path() + "/loop.h", embed::header_of(*program, options));
  for (const char* how : {C_COMPILER " -x c -std=c99", CXX_COMPILER " -x c++ -std=c++20"}) {
    const Output checked = run_shell(fmt::format("{} -Wall -Wextra -Werror -pedantic -fsyntax-only -I {} {}/loop.h",
                                                 how, SOURCE_FOLDER, folder.path()));
    EXPECT_EQ(checked.status, 0) << checked.text;
  }
  const std::string header = embed::header_of(*program, options);
  EXPECT_NE(header.find("const float *for_, const float *w, const float *w_1, float *result0"), std::string::npos)
      << header;
}

std::string refusal(const std::shared_ptr<const ir::Graph>& graph, const embed::ObjectOptions& options,
                    const compiler::Target* target = nullptr) {
  try {
    embed::object_of(*compiler::compile(graph, {.target = target}), options);
  } catch (const base::Error& error) {
    return error.text();
  }
  return "none";
}

TEST(Embed, WhatCanNotBeAnObjectIsRefusedWithTheReason) {
  EXPECT_EQ(refusal(mlp(), {.name = "2-x", .weights = {}}), "error[E0325]: mlp: '2-x' is no name for C; '_2_x' is one");
  EXPECT_EQ(refusal(mlp(), {.name = "mlp", .weights = {{"bias", filled({10}, 1)}}}),
            "error[E0325]: mlp: it has no parameter 'bias'");
  EXPECT_EQ(refusal(mlp(), {.name = "mlp", .weights = {{"layer.bias", filled({11}, 1)}}}),
            "error[E0325]: mlp: parameter 'layer.bias' is f32[10], and its weight is of another type");
  EXPECT_EQ(refusal(mlp(), {.name = "mlp", .weights = {{"x", filled({3, 7}, 1)}}}),
            "error[E0325]: mlp: parameter 'x', f32[B,7], has no fixed shape: it can't be embedded");
  EXPECT_EQ(refusal(mlp(), {.name = "mlp", .weights = {}}, &compiler::target_by_name("null")),
            "error[E0325]: mlp: its kernels are no machine code of this machine");
}

TEST(Embed, TheSameProgramGivesTheSameBytes) {
  const embed::ObjectOptions options{.name = "mlp", .weights = mlp_weights()};
  EXPECT_EQ(embed::object_of(*compiler::compile(mlp()), options), embed::object_of(*compiler::compile(mlp()), options));
}

}  // namespace
}  // namespace strata
