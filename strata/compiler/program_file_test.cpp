// Programs as files: written by the compiler, read and run without it.
#include "strata/runtime/program/program_file.h"

#include <gtest/gtest.h>

#include <cstring>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/control/control.h"
#include "strata/ops/list.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {
namespace {

using base::message_of;
using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;
using runtime::ProgramFile;
using runtime::read_program;
using runtime::write_program;

/// x [B, 8], w [8, 8]: a product, a loop with a region, a piece of x that needs B >= 3.
std::shared_ptr<Graph> graph() {
  auto graph = std::make_shared<Graph>("several");
  const ir::LocationScope scope(*graph, {"model.cpp", 12, nullptr});
  const Value x = graph->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 8}), "x"),
              w = graph->add_parameter(Type::of(DType::f32, {8, 8}), "w");
  const Value y = ops::tanh(ops::matmul(x, w));
  const auto halve = [](Graph&, const std::vector<Value>& p) { return std::vector<Value>{ops::exp(p[0]) * 0.5}; };
  const Value z = ops::scan({.carries = {y}}, 3, halve).carries[0];
  graph->set_results({ops::reduce_sum(z, {1}), ops::slice(x, {{0, 3}})});
  return graph;
}

class ProgramFiles : public testing::Test {
 protected:
  std::string path(const std::string& name) { return folder_.path() + "/" + name; }
  std::string written() {
    write_program(path("p.strata"), *compile(graph()), {.weights = {{"w", "model.safetensors", "layer.w"}}});
    return path("p.strata");
  }
  ProgramFile read(const std::string& file) { return read_program(file, {.ops = ops::op_table()}); }

 private:
  base::TempFolder folder_{"program-file"};
};

TEST_F(ProgramFiles, AReadProgramGivesTheBitsOfTheWrittenOne) {
  const auto program = compile(graph());
  const ProgramFile file = read(written());
  EXPECT_EQ(file.recompiled, "");
  ASSERT_EQ(file.weights.size(), 1u);
  EXPECT_EQ(file.weights[0], (runtime::WeightReference{"w", "model.safetensors", "layer.w"}));
  EXPECT_EQ(ir::print_plan(file.program->plan()), ir::print_plan(program->plan()));
  for (int64_t batch : {3, 4, 7, 64}) {
    const auto found = file.program->run({random_array({batch, 8}, 1), random_array({8, 8}, 1)});
    const auto expected = program->run({random_array({batch, 8}, 1), random_array({8, 8}, 1)});
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(found[i].same_bits(expected[i])) << batch;
  }
}

TEST_F(ProgramFiles, AReadProgramCanBeWrittenAgain) {
  const std::string first = written();
  const ProgramFile file = read(first);
  write_program(path("again.strata"), *file.program, {.weights = file.weights});
  EXPECT_EQ(base::read_text(path("again.strata")).value(), base::read_text(first).value());
}

TEST_F(ProgramFiles, AFlippedBitAnywhereIsRefused) {
  const std::string text = base::read_text(written()).value();
  for (size_t at = 0; at < text.size(); at += at < 64 ? 1 : 101) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    base::write_file(path("damaged.strata"), damaged);
    EXPECT_THROW(read(path("damaged.strata")), base::Error) << at;
  }
  for (size_t size : {size_t{0}, size_t{7}, size_t{39}, text.size() / 2, text.size() - 1}) {
    base::write_file(path("short.strata"), text.substr(0, size));
    EXPECT_THROW(read(path("short.strata")), base::Error) << size;
  }
}

TEST_F(ProgramFiles, ABrokenConditionOfEntryIsTheRulesError) {
  const ProgramFile file = read(written());
  const std::string message =
      message_of([&] { file.program->run({random_array({2, 8}, 1), random_array({8, 8}, 1)}); });
  EXPECT_NE(message.find("E0116"), std::string::npos) << message;
  EXPECT_NE(message.find("0:3:1 does not lie in axis 0 of f32[2,8]"), std::string::npos) << message;
  EXPECT_NE(message.find("model.cpp"), std::string::npos) << "the source line is named: " << message;
}

TEST_F(ProgramFiles, AnEmptyAxisNeedsTheCompiler) {
  auto sum = std::make_shared<Graph>("total");
  const Value x = sum->add_parameter(Type::of(DType::f32, {Dim::symbol("B"), 4}));
  sum->set_results({ops::sum(x)});
  write_program(path("sum.strata"), *compile(sum));
  const std::string message = message_of([&] { read(path("sum.strata")).program->run({random_array({0, 4}, 1)}); });
  EXPECT_TRUE(message.starts_with("error[E0324]: total: B = 0 leaves an axis empty")) << message;
  const ProgramFile file =
      read_program(path("sum.strata"), {.ops = ops::op_table(), .compile = [](const auto& g) { return compile(g); }});
  EXPECT_EQ(file.program->run({random_array({0, 4}, 1)})[0].get(0), 0);
}

TEST_F(ProgramFiles, ArgumentsOfAnotherTypeAreRefused) {
  const ProgramFile file = read(written());
  EXPECT_NE(message_of([&] { file.program->run({random_array({4, 8}, 1), random_array({8, 9}, 1)}); }).find("E0110"),
            std::string::npos);
  EXPECT_NE(
      message_of([&] { file.program->run({random_array({4, 8}, 1), HostArray(DType::f64, {8, 8})}); }).find("E0110"),
      std::string::npos);
}

/// The file with another text in place of the first of `length` characters behind the header, and the hash made right:
/// what another build or CPU would have written.
std::string with_first_texts(const std::string& text, const std::string& build, const std::string& level) {
  const auto length_at = [&](size_t at) -> size_t {
    uint64_t length = 0;
    std::memcpy(&length, text.data() + at, 8);
    return length;
  };
  constexpr size_t kHeader = 40;
  const size_t level_at = kHeader + 8 + length_at(kHeader), rest_at = level_at + 8 + length_at(level_at);
  const std::string old_build = text.substr(kHeader + 8, length_at(kHeader));
  base::ByteWriter content;
  const std::string named = build.empty() ? old_build : build;
  content.little(uint64_t{named.size()})
      .text(named)
      .little(uint64_t{level.size()})
      .text(level)
      .text(text.substr(rest_at));
  const base::Hash128 hash = base::hash_bytes(content.bytes());
  base::ByteWriter file;
  file.text(text.substr(0, 16)).little(uint64_t{content.size()}).little(hash.lo).little(hash.hi).text(content.str());
  return file.str();
}

TEST_F(ProgramFiles, AnotherBuildOrCpuIsRefusedByNameOrCompiledAnew) {
  const std::string text = base::read_text(written()).value();
  base::write_file(path("build.strata"), with_first_texts(text, "0123456789abcdef", "scalar"));
  base::write_file(path("cpu.strata"), with_first_texts(text, "", "avx10"));
  const std::string refused = message_of([&] { read(path("build.strata")); });
  EXPECT_TRUE(refused.starts_with("error[E0323]")) << refused;
  EXPECT_NE(refused.find("it was written by build 0123456789ab, and this is"), std::string::npos) << refused;
  EXPECT_NE(message_of([&] { read(path("cpu.strata")); }).find("its code is for avx10, and this CPU runs"),
            std::string::npos);
  const auto expected = compile(graph())->run({random_array({5, 8}, 1), random_array({8, 8}, 1)});
  for (const char* name : {"build.strata", "cpu.strata"}) {
    const ProgramFile file =
        read_program(path(name), {.ops = ops::op_table(), .compile = [](const auto& g) { return compile(g); }});
    EXPECT_NE(file.recompiled, "");
    EXPECT_TRUE(file.program->run({random_array({5, 8}, 1), random_array({8, 8}, 1)})[0].same_bits(expected[0]));
  }
}

TEST_F(ProgramFiles, OnlyCodeOfThisMachineAndParametersThatAreThereAreWritten) {
  const auto nothing = compile(graph(), {.target = &target_by_name("null")});
  EXPECT_NE(message_of([&] { write_program(path("n.strata"), *nothing); }).find("E0325"), std::string::npos);
  EXPECT_EQ(message_of([&] { write_program(path("n.strata"), *compile(graph()), {.weights = {{"v", "f", "v"}}}); }),
            "error[E0325]: several: it has no parameter 'v'");
  EXPECT_NE(message_of([&] { read(path("none.strata")); }).find("E0001"), std::string::npos);
}

}  // namespace
}  // namespace strata::compiler
