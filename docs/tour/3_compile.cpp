// Chapter 3: compiling.
#include <cstdio>

#include "strata/ops/composites/softmax.h"
#include "strata/ops/dot.h"
#include "strata/ops/elementwise.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit.h"

using namespace strata;

int main() {
  const Tensor w = Tensor::full({4, 8}, 0.25);

  // jit records the function once and compiles it. Dimension 0 of a tensor argument is symbolic: one program serves all
  // batch sizes.
  auto classify = jit([&](Tensor x_BD) { return softmax(matmul(x_BD, w), 1); });
  const Tensor three = classify(Tensor::ones({3, 4})), five = classify(Tensor::ones({5, 4}));
  std::printf("%d recording served %s and %s\n", classify.recordings(), three.type().str().c_str(),
              five.type().str().c_str());

  // What became of it: kernels (fused groups of nodes) over one arena whose size is known before the program runs.
  const runtime::Executable& program = classify.executable();
  for (const std::string& kernel : program.plan().kernels) std::printf("kernel %s\n", kernel.c_str());
  const runtime::MemoryUse memory = program.memory_use({{{1000, 4}, {4, 8}}});
  std::printf("arena for B = 1000: %lld bytes, at least %lld are alive at once\n",
              static_cast<long long>(memory.arena_bytes), static_cast<long long>(memory.largest_live_bytes));
  return classify.recordings() == 1 && three.data<float>()[0] == 0.125f &&
                 memory.arena_bytes * 10 <= memory.largest_live_bytes * 11
             ? 0
             : 1;
}
