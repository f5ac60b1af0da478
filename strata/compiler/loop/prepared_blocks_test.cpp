// Weights in blocks that are constants lie in panels for products of blocks, and give the bits of the naive loops, on
// every instruction set that runs here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "strata/compiler/compile.h"
#include "strata/compiler/testing/random_array.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/encoding/encode_array.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/machine/cpu_target.h"
#include "strata/ops/contraction/block_dot.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/encoding/encoding.h"
#include "strata/ops/operands/operators.h"

namespace strata::compiler {
namespace {

using ir::Dim;
using ir::DType;
using ir::Graph;
using ir::HostArray;
using ir::Type;
using ir::Value;

std::shared_ptr<Graph> product(const char* of_x, const char* of_w, Dim rows, int64_t columns, int64_t depth) {
  auto graph = std::make_shared<Graph>("product");
  const Value x = graph->add_parameter(Type::of(DType::f32, {rows, depth}), "x");
  const Value w = graph->add_parameter(Type::of(ir::encoding_named(of_w), {columns, depth}), "w");
  const Value bias = graph->add_parameter(Type::of(DType::f32, {columns}), "bias");
  graph->set_results({ops::maximum(ops::add(ops::block_dot(ops::encode(x, ir::encoding_named(of_x)), w), bias), 0)});
  return graph;
}

/// Bytes as they come, so every integer; scales are below 1, but for two blocks whose scales are NaN and infinity.
HostArray any_blocks(const char* encoding, std::vector<int64_t> shape, uint32_t seed) {
  HostArray made(ir::encoding_named(encoding), std::move(shape));
  std::mt19937 bits(seed);
  auto* bytes = reinterpret_cast<uint8_t*>(made.data());
  for (int64_t i = 0; i < made.bytes(); ++i) bytes[i] = static_cast<uint8_t>(bits());
  if (made.bytes() == 0) return made;
  const int64_t block = made.encoding().format()->bytes, blocks = made.bytes() / block;
  for (int64_t b = 0; b < blocks; ++b) bytes[b * block + 1] &= 0xbb;
  for (const uint8_t high : {0x7e, 0xfc}) {
    uint8_t* scale = bytes + static_cast<int64_t>(bits() % static_cast<uint64_t>(blocks)) * block;
    scale[0] = 0, scale[1] = high;
  }
  return made;
}

/// The same bits; any NaN equals any other.
bool same(const HostArray& a, const HostArray& b) {
  for (int64_t i = 0; i < a.elements(); ++i) {
    const auto x = static_cast<float>(a.get(i)), y = static_cast<float>(b.get(i));
    if (std::bit_cast<uint32_t>(x) != std::bit_cast<uint32_t>(y) && !(std::isnan(x) && std::isnan(y))) return false;
  }
  return a.elements() == b.elements();
}

TEST(PreparedBlocks, GiveTheBitsOfBlocksThatLieAsTheyAreStored) {
  const auto rows = Dim::symbol("B");
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    machine::force_cpu_target(cpu);
    for (const char* of_x : {"q8_0", "q4_0"})
      for (const char* of_w : {"q4_0", "q8_0"})
        for (const auto& [columns, depth] : {std::pair{37, 96}, {7, 64}, {21, 8224}}) {  // 8224: two chains
          const auto each_time = compile(product(of_x, of_w, rows, columns, depth), {}),
                     once = compile(product(of_x, of_w, rows, columns, depth), {.constants = {1}});
          const HostArray w = any_blocks(of_w, {columns, depth}, 3), bias = random_array({columns}, 5);
          for (const int64_t n : {0, 1, 2, 4, 7}) {
            const HostArray x = random_array({n, depth}, static_cast<uint32_t>(n));
            const auto expected = each_time->run({x, w, bias});
            EXPECT_TRUE(same(once->run({x, w, bias})[0], expected[0]))
                << cpu.name << " " << of_x << " by " << of_w << " " << n << " x " << depth << " x " << columns;
          }
        }
    machine::force_cpu_target(std::nullopt);
  }
}

/// Which has the same order and roundings: there is nothing to be tolerant of. 290 blocks are two chains.
TEST(PreparedBlocks, GiveTheBitsOfTheTensorInterpreter) {
  for (const char* of_w : {"q4_0", "q8_0"})
    for (const int64_t depth : {0, 32, 96, 290 * 32}) {
      const auto graph = product("q8_0", of_w, 3, 19, depth);
      const HostArray x = random_array({3, depth}, 1), bias = random_array({19}, 2),
                      w = ir::encode_array(random_array({19, depth}, 3), ir::encoding_named(of_w));
      const HostArray expected = ir::interpret(*graph, std::array{x, w, bias})[0],
                      made = compile(graph, {.constants = {1}})->run({x, w, bias})[0];
      EXPECT_TRUE(same(made, expected)) << of_w << " " << depth;
    }
}

/// A batch of rows, and as many rows as there are: kernels for one, for few and for any.
TEST(PreparedBlocks, TakeRowsOfAnyRank) {
  const auto rows = Dim::symbol("B");
  auto graph = std::make_shared<Graph>("product");
  const Value x = graph->add_parameter(Type::of(ir::encoding_named("q8_0"), {rows, 3, 96}), "x");
  const Value w = graph->add_parameter(Type::of(ir::encoding_named("q4_0"), {37, 96}), "w");
  graph->set_results({ops::block_dot(x, w)});
  const auto once = compile(graph, {.constants = {1}});
  const HostArray weights = any_blocks("q4_0", {37, 96}, 3);
  for (const int64_t n : {0, 1, 2, 5}) {
    const HostArray blocks = any_blocks("q8_0", {n, 3, 96}, 7);
    EXPECT_TRUE(same(once->run({blocks, weights})[0], ir::interpret(*graph, std::array{blocks, weights})[0])) << n;
  }
}

TEST(PreparedBlocks, HaveKernelsForFewRows) {
  const auto made = compile(product("q8_0", "q4_0", Dim::symbol("B"), 64, 96), {.constants = {1}});
  EXPECT_EQ(made->plan().commands.back().variants.size(), 2u);
}

TEST(PreparedBlocks, ArePanelsOfConstantsAlone) {
  for (const char* of_w : {"q4_0", "q8_0"}) {
    EXPECT_EQ(compile(product("q8_0", of_w, 4, 64, 96), {.constants = {1}})->plan().prologue.size(), 1u) << of_w;
    EXPECT_EQ(compile(product("q8_0", of_w, 4, 64, 96), {})->plan().prologue.size(), 0u) << of_w;
  }
}

}  // namespace
}  // namespace strata::compiler
