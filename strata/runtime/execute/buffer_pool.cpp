#include "strata/runtime/execute/buffer_pool.h"

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/runtime/execute/prepared.h"

namespace strata::runtime {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kMostIdleBytes = int64_t{4} << 30;

/// Idle blocks by size. Sizes are rounded so that a request is served by a block at most an eighth too large.
class BufferPool {
 public:
  std::byte* take(int64_t bytes) {
    {
      std::lock_guard hold(lock_);
      auto it = idle_.find(bytes);
      if (it != idle_.end() && !it->second.empty()) {
        std::byte* p = it->second.back();
        it->second.pop_back();
        idle_bytes_ -= bytes;
        return p;
      }
    }
    return static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes));
  }
  void give(std::byte* p, int64_t bytes) {
    std::lock_guard hold(lock_);
    if (idle_bytes_ + bytes > kMostIdleBytes) return std::free(p);
    idle_[bytes].push_back(p);
    idle_bytes_ += bytes;
  }
  void release() {
    std::lock_guard hold(lock_);
    for (auto& [bytes, blocks] : idle_)
      for (std::byte* p : blocks) std::free(p);
    idle_.clear();
    idle_bytes_ = 0;
  }

 private:
  std::mutex lock_;
  std::map<int64_t, std::vector<std::byte*>> idle_;
  int64_t idle_bytes_ = 0;
};

BufferPool& pool() {
  static auto* p = new BufferPool;  // outlives every array, whatever its lifetime
  return *p;
}

/// The deleter of pooled memory.
struct GiveBack {
  int64_t size;
  void operator()(std::byte* p) const {
    forget_memory(p);
    pool().give(p, size);
  }
};

int64_t rounded(int64_t bytes) {
  if (bytes <= 4096) return std::max<int64_t>(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  const int64_t step = std::max<int64_t>(4096, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(bytes))) / 8);
  return (bytes + step - 1) / step * step;
}

}  // namespace

std::shared_ptr<std::byte> allocate_bytes(int64_t bytes) {
  const int64_t size = rounded(bytes);
  std::byte* p = pool().take(size);
  if (!p) {
    pool().release();
    p = pool().take(size);
  }
  if (!p) throw base::Error(base::code::kOutOfMemory, "no memory for " + std::to_string(bytes) + " bytes");
  return {p, GiveBack{size}};
}

void release_idle_memory() { pool().release(); }

bool is_own_memory(const std::shared_ptr<std::byte>& storage) {
  return storage.use_count() == 1 && std::get_deleter<GiveBack>(storage) != nullptr;
}

ir::HostArray make_array(ir::Encoding encoding, std::vector<int64_t> shape) {
  const ir::HostArray sized(encoding, shape, nullptr);
  return ir::HostArray(encoding, std::move(shape), allocate_bytes(sized.bytes()));
}

}  // namespace strata::runtime
