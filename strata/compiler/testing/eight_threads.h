// Work that several threads do at the same time, for tests of what they share.
#pragma once

#include <functional>
#include <random>
#include <thread>
#include <vector>

namespace strata::compiler {

/// Calls `work` 125 times in each of eight threads, each of which draws from numbers of its own.
inline void in_eight_threads(const std::function<void(std::mt19937& bits)>& work) {
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 bits(t);
      for (int i = 0; i < 125; ++i) work(bits);
    });
  for (std::thread& t : threads) t.join();
}

}  // namespace strata::compiler
