// Encoded arrays in compiled programs: read where they lie by the kernels that use them, moved as bytes, and the same
// results as the interpreter's on every cpu.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <random>

#include "strata/base/error/message_of.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/testing/arrays.h"
#include "strata/compiler/testing/programs.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/list.h"

namespace strata::compiler {
namespace {

using ir::DType;
using ir::Encoding;
using ir::HostArray;
using Graph = std::shared_ptr<const ir::Graph>;

/// Blocks with finite scales, or any bytes.
HostArray blocks(Encoding e, std::vector<int64_t> shape, bool is_finite = true) {
  std::mt19937 random(17);
  HostArray a(e, std::move(shape));
  for (int64_t i = 0; i < a.bytes(); ++i) a.data()[i] = static_cast<std::byte>(random() % (is_finite ? 0x70 : 0x100));
  return a;
}

HostArray numbers(DType t, std::vector<int64_t> shape) {
  std::mt19937 random(23);
  HostArray a(t, std::move(shape));
  for (int64_t i = 0; i < a.elements(); ++i)
    a.set(i, static_cast<double>(random() % 17) - (ir::is_unsigned_int(t) ? 0 : 8));
  return a;
}

int kernels_of(const Graph& graph) {
  const auto executable = compile(graph);
  int count = 0;
  for (const ir::PlanCommand& c : executable->plan().commands) count += c.kind == ir::CommandKind::Kernel;
  return count;
}

/// Compiled for each target: the first difference from the interpreter.
std::optional<std::string> difference(const Graph& graph, const std::vector<HostArray>& arguments) {
  const auto expected = ir::interpret(*graph, arguments);
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    if (auto found =
            first_difference(expected, compile(graph, {.target = &llvm_target_for(cpu)})->run(copies_of(arguments))))
      return found;
  }
  return std::nullopt;
}

/// The bits of x · w' with blocks in w, and with w decoded before, as f32 of its own.
TEST(Encodings, AProductReadsBlocksAsItWouldReadTheirElements) {
  for (Encoding e : ir::built_in_encodings()) {
    const DType t = e.value_dtype() == DType::u8 ? DType::i8 : e.value_dtype();
    const DType to = ir::is_float(t) ? t : DType::i32;
    for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 64}, {7, 13, 128}, {33, 70, 320}, {0, 5, 64}}) {
      const std::string head = fmt::format("(%x: {0}[{1},{3}], %w: {4}[{2},{3}]) -> {5}[{1},{2}] {{\n",
                                           ir::dtype_name(t), m, n, k, e.name(), ir::dtype_name(to));
      const std::string attrs =
          fmt::format("{{lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = {}}}",
                      ir::dtype_name(to));
      const Graph blocked = parsed("func @f" + head + "%y = dot %x, %w " + attrs + "\nreturn %y\n}");
      const std::vector<HostArray> arguments{numbers(t, {m, k}), blocks(e, {n, k})};
      if (m > 0) {
        EXPECT_EQ(kernels_of(blocked), 1) << e.name();
      }
      const Graph plain =
          parsed(fmt::format("func @f(%x: {0}[{1},{3}], %w: {4}[{2},{3}]) -> {5}[{1},{2}] {{\n%y = dot %x, "
                             "%w {6}\nreturn %y\n}}",
                             ir::dtype_name(t), m, n, k, ir::dtype_name(e.value_dtype()), ir::dtype_name(to), attrs));
      const auto wanted = compile(plain)->run({arguments[0].clone(), arguments[1].decoded()});
      for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
        const auto found =
            compile(blocked, {.target = &llvm_target_for(cpu)})->run({arguments[0].clone(), arguments[1].clone()});
        EXPECT_FALSE(first_difference(wanted, found))
            << e.name() << " " << m << " " << n << " " << k << ": " << *first_difference(wanted, found);
      }
    }
  }
}

TEST(Encodings, DecodeAndEncodeGiveTheInterpretersBits) {
  for (Encoding e : ir::built_in_encodings()) {
    const auto text = [&](int64_t rows, int64_t columns) {
      return fmt::format(
          "func @f(%w: {0}[{1},{2}]) -> ({3}[{1},{2}], {0}[{1},{2}]) {{\n%y = decode %w {{to = {3}}}\n"
          "%z = encode %y {{encoding = \"{0}\"}}\nreturn %y, %z\n}}",
          e.name(), rows, columns, ir::dtype_name(e.value_dtype()));
    };
    for (auto [rows, columns] : {std::pair<int64_t, int64_t>{1, 64}, {7, 192}, {0, 64}})
      EXPECT_FALSE(difference(parsed(text(rows, columns)), {blocks(e, {rows, columns}, false)})) << e.name();
    if (e.format()->order == ir::BlockOrder::WholeArray) {
      EXPECT_FALSE(difference(parsed(text(5, 7)), {blocks(e, {5, 7})})) << e.name();
      EXPECT_FALSE(difference(parsed(text(1, 1)), {blocks(e, {1, 1})})) << e.name();
    }
  }
}

TEST(Encodings, EncodedArraysGoInAndComeOutMoved) {
  const Graph graph = parsed(R"(func @f(%w: q4_0[B,128], %ids: i32[3,1]) -> (q4_0[3,64], q4_0[B + 3,128]) {
  %0 = gather %w, %ids {axes = [0], batch = 0, mode = "clamp", most = 0}
  %1 = slice %0 {start = [0, 64], limit = [3, 128], stride = [1, 1]}
  %2 = concat %w, %0 {axis = 0}
  return %1, %2
})");
  HostArray ids(DType::i32, {3, 1});
  for (int i = 0; i < 3; ++i) ids.set_int(i, 2 * i);
  EXPECT_FALSE(difference(graph, {blocks(ir::encoding_named("q4_0"), {5, 128}), ids}));
}

TEST(Encodings, ARowOfBlocksIsWrittenInPlace) {
  const Graph graph = parsed(R"(func @step(%cache: q8_0[64,32], %row: f32[1,32], %pos: i32[]) -> q8_0[64,32] {
  %z = constant {value = i32[] 0}
  %0 = encode %row {encoding = "q8_0"}
  %1 = dynamic_update_slice %cache, %0, %pos, %z {in_place = true}
  return %1
})");
  const auto executable = compile(graph, {.donations = {{0, 0}}});
  for (const ir::PlanCommand& c : executable->plan().commands) EXPECT_EQ(c.copied_because, "");
  const std::vector<HostArray> arguments{blocks(ir::encoding_named("q8_0"), {64, 32}), numbers(DType::f32, {1, 32}),
                                         HostArray::scalar(DType::i32, 7)};
  const auto expected = ir::interpret(*graph, arguments);
  EXPECT_FALSE(first_difference(expected, executable->run(copies_of(arguments))));
}

TEST(Encodings, AFormatOfTheUsersIsDeclaredInTheText) {
  const std::string text = R"(encoding nines {
  kernel @decode(%b: u8[9]) -> (%y: f32[8]) {
    for i in 0..8 { %y[i] = mul(cast(f32, bitcast(i8, %b[1 + i])), cast(f32, %b[0])) }
  }
}
func @f(%x: f32[3,40], %w: nines[5,40]) -> f32[3,5] {
  %y = dot %x, %w {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  return %y
})";
  const Graph graph = parsed(text);
  EXPECT_FALSE(difference(graph, {numbers(DType::f32, {3, 40}), blocks(ir::encoding_named("nines"), {5, 40})}));
  const std::string printed = ir::print_graph(*graph);
  EXPECT_TRUE(printed.starts_with("encoding nines {")) << printed;
  EXPECT_EQ(ir::print_graph(*parsed(printed)), printed);
  EXPECT_EQ(parsed(printed)->hash(), graph->hash());
  const std::string plan = ir::print_plan(compile(graph)->plan());
  EXPECT_EQ(ir::print_plan(*ir::parse_plan(plan, ops::op_table()).value()), plan);
}

TEST(Encodings, BlocksAreAskedForWhenASymbolIsBound) {
  const Graph graph = parsed(R"(func @f(%x: f32[2,K], %w: q4_0[3,K]) -> f32[2,3] {
  %y = dot %x, %w {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}  @ model.cpp:7
  return %y
})");
  const Encoding q = ir::encoding_named("q4_0");
  for (int64_t k : {96, 32, 0})
    EXPECT_EQ(find_native_difference(graph, std::array{numbers(DType::f32, {2, k}), blocks(q, {3, k})}), std::nullopt);
  const auto run_at = [&](int64_t k) {
    return base::message_of([&] {
      std::vector<HostArray> arguments{numbers(DType::f32, {2, k}), numbers(DType::f32, {3, k})};
      compile(parsed(R"(func @f(%x: f32[2,K], %v: f32[3,K]) -> f32[2,3] {
  %w = encode %v {encoding = "q4_0"}  @ model.cpp:5
  %y = dot %x, %w {lhs_contract = [1], rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = f32}
  return %y
})"))
          ->run(std::move(arguments));
    });
  };
  EXPECT_EQ(run_at(64), "no error");
  EXPECT_TRUE(
      run_at(48).starts_with("error[E0144]: encode: q4_0[3,48]: blocks of 32 elements don't divide axis 1\nnote: "
                             "operands are f32[3,48]\nnote: recorded at model.cpp"))
      << run_at(48);
  EXPECT_TRUE(base::message_of([&] {
                compile(graph)->run({numbers(DType::f32, {2, 96}), numbers(DType::u8, {3, 96})});
              }).starts_with("error[E0110]: f: argument 1 should be q4_0[3,K], found u8"));
}

TEST(Encodings, MixedProducts) {
  const auto dot = [](const char* a, const char* b, const char* to) {
    return parsed(
        fmt::format("func @f(%x: {}[M,K], %w: {}[N,K]) -> {}[M,N] {{\n%y = dot %x, %w {{lhs_contract = [1], "
                    "rhs_contract = [1], lhs_batch = [], rhs_batch = [], result = {}}}\nreturn %y\n}}",
                    a, b, to, to));
  };
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1}, {5, 7, 13}, {34, 66, 300}, {3, 2, 0}}) {
    EXPECT_FALSE(difference(dot("u8", "i8", "i32"), {numbers(DType::u8, {m, k}), numbers(DType::i8, {n, k})}));
    EXPECT_FALSE(difference(dot("i8", "u8", "i64"), {numbers(DType::i8, {m, k}), numbers(DType::u8, {n, k})}));
    EXPECT_FALSE(difference(dot("bf16", "bf16", "f32"), {numbers(DType::bf16, {m, k}), numbers(DType::bf16, {n, k})}));
  }
  EXPECT_EQ(base::message_of([&] { dot("u8", "i8", "i16"); }).substr(0, 75),
            "error[E0100]: dot: a dot of u8[M,K] and i8[N,K] gives i32 or i64, found i16");
}

TEST(Encodings, ConvolutionsGiveTheDtypeThatIsAskedFor) {
  const auto conv = [](const char* a, const char* b, const char* to) {
    return parsed(
        fmt::format("func @f(%x: {}[2,4,9,7], %w: {}[6,2,3,3]) -> {}[2,6,9,7] {{\n%y = conv %x, %w {{strides = [1, "
                    "1], pad_lo = [1, 1], pad_hi = [1, 1], lhs_dilation = [1, 1], rhs_dilation = [1, 1], groups "
                    "= 2, result = {}}}\nreturn %y\n}}",
                    a, b, to, to));
  };
  const std::vector<int64_t> x = {2, 4, 9, 7}, w = {6, 2, 3, 3};
  EXPECT_FALSE(difference(conv("u8", "i8", "i32"), {numbers(DType::u8, x), numbers(DType::i8, w)}));
  EXPECT_FALSE(difference(conv("i8", "i8", "i32"), {numbers(DType::i8, x), numbers(DType::i8, w)}));
  EXPECT_FALSE(difference(conv("bf16", "bf16", "f32"), {numbers(DType::bf16, x), numbers(DType::bf16, w)}));
  EXPECT_FALSE(difference(conv("f32", "f32", "bf16"), {numbers(DType::f32, x), numbers(DType::f32, w)}));
}

}  // namespace
}  // namespace strata::compiler
