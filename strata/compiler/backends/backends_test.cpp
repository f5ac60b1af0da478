// What every backend promises: it compiles what it accepts and says why it refuses the rest, its kernels are found by
// name and equal the interpreter; with what is counted of a kernel (work, slots of scratch) whoever compiles it.
#include "strata/compiler/backends/backends.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/kernel_work.h"
#include "strata/compiler/backends/scratch_layout.h"
#include "strata/compiler/testing/native_comparison.h"
#include "strata/ir/loops/blocks.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {
namespace {

using namespace ir::loops;
using ir::Dim;
using ir::DType;

/// y[i] = fma(x[i], 2, y[i]) by vectors of 8 over rows, through a scratch row.
Kernel scaled_row_kernel() {
  Kernel kernel;
  kernel.name = "scaled";
  kernel.context = std::make_shared<LoopContext>();
  kernel.dims = {"B"};
  auto& c = *kernel.context;
  const Dim rows = Dim::symbol("B");
  const Buffer* x = c.buffer({"x", DType::f32, {rows, 16}, BufferKind::Input});
  const Buffer* y = c.buffer({"y", DType::f32, {rows, 16}, BufferKind::InOut});
  const Buffer* s = c.buffer({"s", DType::f32, {rows, 5}, BufferKind::Scratch});
  kernel.params = {x, y};
  const auto *i = c.loop_var("i"), *j = c.loop_var("j");
  const std::vector<Expr> at = {c.loop(i), c.ramp(c.loop(j), 1, 8)};
  const Expr value = c.fma(c.load(x, at), c.broadcast(c.constant(DType::f32, 2), 8), c.load(y, at));
  kernel.body = {
      make_for(i, c.i64(0), c.dim(rows), LoopKind::Parallel,
               {make_alloc(s), make_for(j, c.i64(0), c.i64(16), LoopKind::Serial, {make_store(y, at, value)}, 8)})};
  return kernel;
}

TEST(KernelWork, CountsLanesFmasAndBytesTimesIterations) {
  const int64_t dims[] = {3};
  const KernelWork expected{3 * 16 * 2, 3 * 16 * 8, 3 * 16 * 4};
  EXPECT_EQ(count_work(scaled_row_kernel(), dims), expected);
}

/// Sums of neighbours, by blocks of 8 threads over shared memory.
constexpr std::string_view kBlocks = R"(kernel @neighbours(%x: f32[N,8]) -> (%y: f32[N,8]) {
  blocks b in 0..N {
    shared %t: f32[8]
    threads i in 0..8 {
      var v: f32 = mul(%x[b, i], 2.0)
      for round in 0..3 {
        %t[i] = v
        barrier
        v = add(v, %t[floormod(i + 1, 8)])
        barrier
      }
      %y[b, i] = v
    }
  }
})";

TEST(Backends, KernelsOfBlocksAndThreadsRunOnCoresAndEqualTheInterpreter) {
  const auto kernel = parse_kernel(kBlocks);
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  EXPECT_EQ(layout_scratch(without_blocks(*kernel)).slots.size(), 2u)
      << "the shared buffer, and a value of each thread";
  for (int64_t rows : {0, 1, 5}) EXPECT_EQ(compare_with_interpreter({&*kernel}, {rows}, 7), "");
}

TEST(ScratchLayout, SlotsAreAlignedAndTheSumIsAFormula) {
  const ScratchLayout layout = layout_scratch(scaled_row_kernel());
  ASSERT_EQ(layout.slots.size(), 1u);
  EXPECT_EQ(layout.bytes.evaluate([](std::string_view) { return int64_t{7}; }), 192);  // 7 * 5 * 4 = 140, up to 64s
}

TEST(Backends, EachCompilesWhatItAcceptsAndKnowsItsKernelsByName) {
  const Kernel kernel = scaled_row_kernel();
  const Kernel* kernels[] = {&kernel};
  for (const std::string& name : target_names()) {
    const Target& backend = target_by_name(name);
    EXPECT_FALSE(backend.refusal(kernel)) << name;
    const Object object = backend.compile(kernels);
    EXPECT_FALSE(object.empty());
    const auto cpu = machine::find_cpu_target(backend.isa());
    if (cpu && !machine::host_can_run(*cpu)) continue;
    const auto loaded = backend.load(object);
    EXPECT_NE(loaded->find("scaled").run, nullptr) << name;
    EXPECT_THROW(loaded->find("absent"), base::Error) << name;
  }
}

TEST(Backends, AnUnknownNameIsAnErrorThatOffersTheNearest) {
  try {
    target_by_name("lvm");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(error.text().find("llvm"), std::string::npos);
  }
}

TEST(Backends, BrokenObjectBytesAreAnErrorNotACrash) {
  const Kernel kernel = scaled_row_kernel();
  const Kernel* kernels[] = {&kernel};
  for (const std::string& name : {std::string("llvm"), std::string("null")}) {
    const Target& backend = target_by_name(name);
    Object object = backend.compile(kernels);
    object.resize(object.size() / 3);
    EXPECT_THROW(backend.load(object)->find("scaled"), base::Error) << name;
    EXPECT_THROW(backend.load({})->find("scaled"), base::Error) << name;
  }
}

TEST(Backends, LlvmRefusesANestedParallelLoopWithAReason) {
  Kernel kernel = scaled_row_kernel();
  auto& c = *kernel.context;
  kernel.body = {make_for(c.loop_var("t"), c.i64(0), c.i64(2), LoopKind::Serial, kernel.body)};
  const Target& backend = target_by_name("llvm");
  ASSERT_TRUE(backend.refusal(kernel));
  EXPECT_NE(backend.refusal(kernel)->find("parallel loop i"), std::string::npos);
  const Kernel* kernels[] = {&kernel};
  EXPECT_THROW(backend.compile(kernels), base::Error);
}

}  // namespace
}  // namespace strata::compiler
