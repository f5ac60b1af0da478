// Memory for results, kept and handed out again: a fresh large allocation costs a page fault per 4 KiB, which for a
// training step is more than its arithmetic.
#pragma once

#include <cstdint>
#include <memory>

#include "strata/ir/host_array.h"

namespace strata::runtime {

/// An array with undefined content; its memory returns to the pool with its last owner. Environment error E0112 without
/// memory.
ir::HostArray make_array(ir::Encoding encoding, std::vector<int64_t> shape);

/// 64-byte aligned memory with undefined content, from the same pool.
std::shared_ptr<std::byte> allocate_bytes(int64_t bytes);

/// Gives memory that waits to be handed out again back to the system.
void release_idle_memory();

/// Whether allocate_bytes() gave this memory and nobody else holds it: a program may write over it.
bool is_own_memory(const std::shared_ptr<std::byte>& storage);

}  // namespace strata::runtime
