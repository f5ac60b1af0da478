// Memory that a run takes bit by bit and gives back in the order of a stack. What was handed out never moves, so
// pointers into it stay good while more is taken:
//
//   | block 0: frame of a scan | spare carries | block 1: frame of the loop in its body | ...
//                                              ^ a mark; release(mark) gives up all behind it
//
// A run that needed several blocks leaves one of their joint size to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace strata::runtime {

class StackedMemory {
 public:
  struct Mark {
    size_t block = 0;
    int64_t used = 0;
    bool operator==(const Mark&) const = default;
  };

  /// Undefined content, 64-byte aligned. E0112 without memory: then nothing was taken.
  std::byte* take(int64_t bytes);
  Mark mark() const { return at_; }
  void release(Mark mark) noexcept { at_ = mark; }
  /// Of all blocks.
  int64_t bytes() const;
  void trim();

 private:
  struct Block {
    std::shared_ptr<std::byte> memory;
    int64_t bytes = 0;
  };
  void add_block(int64_t bytes);
  std::vector<Block> blocks_;
  Mark at_;
};

}  // namespace strata::runtime
