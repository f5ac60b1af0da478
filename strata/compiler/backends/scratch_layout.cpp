#include "strata/compiler/backends/scratch_layout.h"

#include <algorithm>

#include "strata/runtime/kernel_abi.h"

namespace strata::compiler {

using ir::Dim;
using ir::loops::Buffer;
using ir::loops::BufferKind;
using ir::loops::StmtKind;
using ir::loops::StmtPtr;

namespace {

Dim aligned(Dim bytes) {
  constexpr int64_t unit = runtime::kScratchAlignment;
  return ir::ceil_div(bytes, unit) * Dim(unit);
}

void place_allocs(const std::vector<StmtPtr>& body, ScratchLayout& layout) {
  for (const StmtPtr& stmt : body) {
    if (stmt->kind == StmtKind::Alloc && stmt->buffer->kind == BufferKind::Scratch) {
      const bool placed = std::any_of(layout.slots.begin(), layout.slots.end(),
                                      [&](const ScratchSlot& slot) { return slot.buffer == stmt->buffer; });
      if (placed) continue;
      layout.slots.push_back({stmt->buffer, layout.bytes});
      layout.bytes = layout.bytes + aligned(buffer_bytes(*stmt->buffer));
    }
    place_allocs(stmt->body, layout);
    place_allocs(stmt->otherwise, layout);
  }
}

}  // namespace

Dim buffer_bytes(const Buffer& buffer) { return ir::product(buffer.shape) * Dim(ir::dtype_bytes(buffer.dtype)); }

ScratchLayout layout_scratch(const ir::loops::Kernel& kernel) {
  ScratchLayout layout;
  place_allocs(kernel.body, layout);
  return layout;
}

}  // namespace strata::compiler
