// What the steps of a loop keep for the way back, when nobody knows how many there will be: a stack of rows of arrays
// in pages. Its memory belongs to no plan; it is counted here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "strata/ir/host_array.h"

namespace strata::ir {

class Tape {
 public:
  Tape() = default;
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  bool is_empty() const { return rows_ == 0; }
  /// Copies the arrays. Those of all rows have the types and shapes of the first one's. E0112 without memory, with the
  /// size of the tape; then the tape is as before.
  void push(std::span<const HostArray> row);
  /// The last row, in the memory of the tape: good until the next push. Pages that it leaves empty are given back when
  /// nobody holds an array of theirs any more.
  std::vector<HostArray> pop();

 private:
  void set_layout(std::span<const HostArray> row);

  struct Place {
    DType dtype;
    std::vector<int64_t> shape;
    int64_t offset;  ///< in a row
  };
  std::vector<Place> places_;
  int64_t row_bytes_ = 0, page_bytes_ = 0, rows_per_page_ = 0, rows_ = 0;
  std::vector<std::shared_ptr<std::byte>> pages_;
};

/// Memory of all tapes of the process: now, and the most at once since the start or the last reset.
struct TapeMemory {
  int64_t bytes = 0, most_bytes = 0;
};
TapeMemory tape_memory();
void reset_most_tape_memory();

}  // namespace strata::ir
