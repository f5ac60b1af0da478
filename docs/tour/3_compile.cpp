// Chapter 3: compiling.
#include "strata/strata.h"

using namespace strata;

int main() {
  const Tensor w = Tensor::full({4, 8}, 0.25);

  // jit records the function once and compiles it. Dimension 0 of a tensor argument is symbolic: one program serves all
  // batch sizes.
  auto classify = jit([&](Tensor x_BD) { return softmax(matmul(x_BD, w), 1); });
  const Tensor three = classify(Tensor::ones({3, 4})), five = classify(Tensor::ones({5, 4}));
  print("{} recording served {} and {}", classify.recordings(), three.type().str(), five.type().str());

  // What became of it: kernels (fused groups of nodes) over one arena whose size is known before the program runs.
  const auto program = classify.executable();
  for (const std::string& kernel : program->plan().kernels) print("kernel {}", kernel);
  const runtime::MemoryUse memory = program->memory_use({{{1000, 4}, {4, 8}}});
  print("arena for B = 1000: {} bytes, at least {} are alive at once", memory.arena_bytes, memory.largest_live_bytes);
  return classify.recordings() == 1 && three.data<float>()[0] == 0.125f &&
                 memory.arena_bytes * 10 <= memory.largest_live_bytes * 11
             ? 0
             : 1;
}
