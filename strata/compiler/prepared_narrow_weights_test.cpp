// Constants of every narrow form (bytes, half floats, blocks of 4 and 8 bits) lie in panels as they are stored, and
// give the bits of weights that are packed and decoded in each run; on every instruction set that runs here. What
// doesn't run is compiled and read.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "strata/compiler/backends/backends.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/compiler/lower/lower_kernel.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/encoding/built_in.h"
#include "strata/ir/encoding/encode_array.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/dot.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Encoding;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

struct Form {
  DType x;
  Encoding w;
  DType sum;
  ops::DotAlgorithm algorithm = ops::DotAlgorithm::Direct;
};
std::vector<Form> forms() {
  std::vector<Form> all{
      {DType::u8, DType::i8, DType::i32},      {DType::i8, DType::u8, DType::i32},
      {DType::i8, DType::i8, DType::i32},      {DType::u8, DType::u8, DType::i32},
      {DType::i16, DType::i16, DType::i32},    {DType::bf16, DType::bf16, DType::f32},
      {DType::bf16, DType::bf16, DType::bf16}, {DType::f16, DType::f16, DType::f32},
      {DType::f64, DType::f64, DType::f64},    {DType::bf16, DType::bf16, DType::f32, ops::DotAlgorithm::FlushedBf16}};
  for (const Encoding e : ir::built_in_encodings())
    all.push_back(ir::is_float(e.value_dtype()) ? Form{DType::f32, e, DType::f32} : Form{DType::i8, e, DType::i32});
  return all;
}

/// x [rows, K] by w [N, K], along the depth, or [K, N] of plain weights.
constexpr int64_t kColumns = 37;
std::shared_ptr<Graph> product(const Form& form, Dim rows, int64_t depth, bool is_along_depth) {
  auto graph = std::make_shared<Graph>("product");
  const Dim n = kColumns, k = depth;
  const Value x = graph->add_parameter(Type::of(form.x, {rows, k}), "x");
  const Value w = graph->add_parameter(is_along_depth ? Type::of(form.w, {n, k}) : Type::of(form.w, {k, n}), "w");
  graph->set_results({ops::dot(x, w, {{1}, {is_along_depth ? 1 : 0}, {}, {}, form.algorithm}, form.sum)});
  return graph;
}

/// Integers at and between their ends; floats with a NaN, infinities and denormals where the form has them.
HostArray numbers(Encoding encoding, std::vector<int64_t> shape, uint32_t seed) {
  HostArray plain = random_array(shape, seed);
  const double special[] = {NAN, INFINITY, -INFINITY, 1e-40, -0.0, 1e30};
  std::mt19937 bits(seed);
  for (int i = 0; i < 6 && ir::is_float(encoding.value_dtype()) && plain.elements(); ++i)
    plain.set(static_cast<int64_t>(bits() % static_cast<uint64_t>(plain.elements())), special[i]);
  if (!encoding.is_plain() && ir::is_float(encoding.value_dtype())) return ir::encode_array(plain, encoding);
  HostArray made(encoding.value_dtype(), std::move(shape));
  for (int64_t i = 0; i < made.elements(); ++i) {
    if (ir::is_float(made.dtype()))
      made.set(i, plain.get(i));
    else
      made.set_int(i, bits() % 3 ? static_cast<int64_t>(bits()) : (bits() % 2 ? INT64_MAX : int64_t{1} << 7));
  }
  return encoding.is_plain() ? made : ir::encode_array(made, encoding);
}

TEST(PreparedNarrowWeights, GiveTheBitsOfWeightsThatArePackedInEachRun) {
  const auto rows = Dim::symbol("B");
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    machine::force_cpu_target(cpu);
    for (const Form& form : forms())
      for (const bool is_along_depth : {true, false}) {
        if (!is_along_depth && !form.w.is_plain()) continue;
        const int64_t depth = is_along_depth ? 2112 : 64;  // several panels of depth, and one
        const auto each_time = compile(product(form, rows, depth, is_along_depth), {}),
                   once = compile(product(form, rows, depth, is_along_depth), {.constants = {1}}),
                   one_row = compile(product(form, 1, depth, is_along_depth), {.constants = {1}});
        const HostArray w =
            is_along_depth ? numbers(form.w, {kColumns, depth}, 3) : numbers(form.w, {depth, kColumns}, 3);
        const std::string what = fmt::format("{} {} by {}", cpu.name, ir::dtype_name(form.x), form.w.name());
        for (const int64_t n : {1, 3, 0, 40}) {
          const HostArray x = numbers(form.x, {n, depth}, static_cast<uint32_t>(n));
          const auto expected = each_time->run({x, w});
          EXPECT_TRUE(once->run({x, w})[0].same_bits(expected[0])) << what << " rows " << n;
          if (n == 1) {
            EXPECT_TRUE(one_row->run({x, w})[0].same_bits(expected[0])) << what;
          }
        }
      }
    machine::force_cpu_target(std::nullopt);
  }
}

/// Any number of rows that is few has tiles of its own: one, or several that share what is decoded.
TEST(PreparedNarrowWeights, GiveTheSameBitsToAnyFewRows) {
  const Form few[] = {{DType::f32, DType::f32, DType::f32},
                      {DType::bf16, DType::bf16, DType::bf16},
                      {DType::f32, ir::encoding_named("q4_0"), DType::f32},
                      {DType::i8, ir::encoding_named("i4"), DType::i32}};
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    machine::force_cpu_target(cpu);
    for (const Form& form : few) {
      const int64_t depth = form.w.is_plain() ? 611 : 608;
      const auto each_time = compile(product(form, Dim::symbol("B"), depth, true), {});
      const HostArray w = numbers(form.w, {kColumns, depth}, 3);
      for (const int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
        const auto once = compile(product(form, n, depth, true), {.constants = {1}});
        const HostArray x = numbers(form.x, {n, depth}, static_cast<uint32_t>(n));
        EXPECT_TRUE(once->run({x, w})[0].same_bits(each_time->run({x, w})[0]))
            << cpu.name << " " << n << " rows by " << form.w.name();
      }
    }
    machine::force_cpu_target(std::nullopt);
  }
}

TEST(PreparedNarrowWeights, ArePreparedWhereTheTargetHasVectors) {
  for (const Form& form : forms()) {
    const auto graph = product(form, 4, 448, true);
    const auto made = compile(graph, {.constants = {1}});
    EXPECT_EQ(made->plan().prologue.size(), 1u) << ir::dtype_name(form.x) << " by " << form.w.name();
  }
}

/// The product of the sums that VNNI makes, and of those that other processors make: never the form that saturates.
TEST(PreparedNarrowWeights, BytesAreMultipliedByTheInstructionOfTheTarget) {
  const auto graph = product({DType::u8, DType::i8, DType::i32}, 64, 448, true);
  const ir::Node& dot = *graph->nodes().back();
  const auto listing = [&](const machine::CpuTarget& cpu) {
    const ir::loops::Kernel made = schedule(lower_kernel(dot, graph->facts(), "bytes"), cpu.vectors);
    const ir::loops::Kernel* const kernels[] = {&made};
    return llvm_target_for(cpu).listing(kernels);
  };
  const std::string vnni = listing(machine::kAvx512Vnni), avx2 = listing(machine::kAvx2);
  EXPECT_NE(vnni.find("vpdpbusd"), std::string::npos);
  EXPECT_EQ(vnni.find("vpmaddwd"), std::string::npos);
  EXPECT_NE(avx2.find("vpmaddwd"), std::string::npos);
  for (const machine::CpuTarget& cpu : machine::kCpuTargets)
    EXPECT_EQ(listing(cpu).find("pmaddubsw"), std::string::npos);
}

/// Few rows of panels that are prepared, and many that are packed.
TEST(PreparedNarrowWeights, HalfFloatsAreMultipliedByTheInstructionThatIsAskedFor) {
  for (const auto& [algorithm, has_it] :
       {std::pair{ops::DotAlgorithm::FlushedBf16, true}, {ops::DotAlgorithm::Direct, false}}) {
    const auto graph = product({DType::bf16, DType::bf16, DType::f32, algorithm}, 64, 448, true);
    const auto listing = [&](const machine::CpuTarget& cpu) {
      const ir::loops::Kernel made =
          schedule(lower_kernel(*graph->nodes().back(), graph->facts(), "halves"), cpu.vectors);
      const ir::loops::Kernel* const kernels[] = {&made};
      return llvm_target_for(cpu).listing(kernels);
    };
    EXPECT_EQ(listing(machine::kAvx512Bf16).find("vdpbf16ps") != std::string::npos, has_it);
    EXPECT_EQ(listing(machine::kAvx512Vnni).find("vdpbf16ps"), std::string::npos);
  }
}

}  // namespace
}  // namespace strata::compiler
