#include "strata/ir/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"

namespace strata::ir {
namespace {

constexpr int64_t kPageBytes = int64_t{1} << 20, kAlignment = 64;

std::atomic<int64_t> held{0}, most_held{0};

void count(int64_t bytes) {
  const int64_t now = held.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t most = most_held.load(std::memory_order_relaxed);
  while (now > most && !most_held.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
}

std::shared_ptr<std::byte> make_page(int64_t bytes, size_t pages) {
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes));
  if (!memory)
    throw base::Error(base::code::kOutOfMemory,
                      fmt::format("the tape of a loop: no memory for {} bytes more; it holds {} pages of that "
                                  "size, and {} bytes are in all tapes",
                                  bytes, pages, held.load()));
  count(bytes);
  return {memory, [bytes](std::byte* p) {
            std::free(p);
            count(-bytes);
          }};
}

}  // namespace

Tape::~Tape() = default;

void Tape::set_layout(std::span<const HostArray> row) {
  for (const HostArray& a : row) {
    places_.push_back({a.dtype(), a.shape(), row_bytes_});
    row_bytes_ += (a.bytes() + kAlignment - 1) / kAlignment * kAlignment;
  }
  row_bytes_ = std::max(row_bytes_, kAlignment);
  rows_per_page_ = std::max<int64_t>(1, kPageBytes / row_bytes_);
  page_bytes_ = rows_per_page_ * row_bytes_;
}

void Tape::push(std::span<const HostArray> row) {
  if (row_bytes_ == 0) set_layout(row);
  if (rows_ == std::ssize(pages_) * rows_per_page_) pages_.push_back(make_page(page_bytes_, pages_.size()));
  std::byte* to = pages_.back().get() + rows_ % rows_per_page_ * row_bytes_;
  for (size_t i = 0; i < row.size(); ++i)
    if (row[i].bytes() > 0) std::memcpy(to + places_[i].offset, row[i].data(), row[i].bytes());
  ++rows_;
}

std::vector<HostArray> Tape::pop() {
  --rows_;
  const std::shared_ptr<std::byte> page = pages_.back();
  std::byte* from = page.get() + rows_ % rows_per_page_ * row_bytes_;
  std::vector<HostArray> row;
  for (const Place& p : places_) row.emplace_back(p.dtype, p.shape, std::shared_ptr<std::byte>(page, from + p.offset));
  if (rows_ % rows_per_page_ == 0) pages_.pop_back();
  return row;
}

TapeMemory tape_memory() { return {held.load(), most_held.load()}; }
void reset_most_tape_memory() { most_held = held.load(); }

}  // namespace strata::ir
