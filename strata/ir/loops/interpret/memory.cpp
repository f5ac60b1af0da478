// Loads and stores of the loop interpreter, each index checked.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/interpret/program.h"
#include "strata/ir/loops/scalar_semantics.h"

namespace strata::ir::loops {
namespace {

[[noreturn]] void refuse(const BufferState& state, const std::vector<int64_t>& index, const char* what) {
  throw base::Error(base::code::kOutOfBuffer,
                    fmt::format("{} of %{}[{}] reaches outside of its shape [{}]", what, state.buffer->name,
                                fmt::join(index, ", "), fmt::join(state.shape, ", ")));
}

int64_t index_value(const Frame& frame, const Access::Index& index, uint32_t lane) {
  return static_cast<int64_t>(frame.registers[index.cell + (index.is_vector ? lane : 0)]);
}

[[noreturn, gnu::noinline]] void report(const Frame& frame, const Access& access, uint32_t lane, const char* what) {
  std::vector<int64_t> index;
  for (const Access::Index& i : access.indices) index.push_back(index_value(frame, i, lane));
  refuse(frame.buffers[access.slot], index, what);
}

/// Offset in elements of one lane's element.
inline int64_t offset(const Frame& frame, const BufferState& state, const Access& access, uint32_t lane,
                      const char* what) {
  int64_t at = 0;
  const size_t rank = access.indices.size();
  for (size_t d = 0; d < rank; ++d) {
    const int64_t i = index_value(frame, access.indices[d], lane);
    if (static_cast<uint64_t>(i) >= static_cast<uint64_t>(state.shape[d])) report(frame, access, lane, what);
    at += i * state.strides[d];
  }
  return at;
}

template <class Word>
const Instruction* load_lanes(Frame& frame, const Instruction* in) {
  const auto& access = *static_cast<const Access*>(in->access);
  const BufferState& state = frame.buffers[access.slot];
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) {
    Word word;
    std::memcpy(&word, state.data + offset(frame, state, access, l, "a load") * sizeof(Word), sizeof word);
    dst[l] = word;
  }
  return in + 1;
}

/// A bool is stored as 0 or 1 and read as "not 0", whatever the byte.
const Instruction* load_bool(Frame& frame, const Instruction* in) {
  const Instruction* next = load_lanes<uint8_t>(frame, in);
  uint64_t* dst = &frame.registers[in->dst];
  for (uint32_t l = 0; l < in->lanes; ++l) dst[l] = dst[l] != 0;
  return next;
}

/// a: the value, which is as wide as the store (`lanes`); b: the mask, if imm is 1.
template <class Word>
const Instruction* store_lanes(Frame& frame, const Instruction* in) {
  const auto& access = *static_cast<const Access*>(in->access);
  const BufferState& state = frame.buffers[access.slot];
  const uint64_t* value = &frame.registers[in->a];
  for (uint32_t l = 0; l < in->lanes; ++l) {
    if (in->imm && !frame.registers[in->b + l]) continue;
    const auto word = static_cast<Word>(value[l]);
    std::memcpy(state.data + offset(frame, state, access, l, "a store") * sizeof(Word), &word, sizeof word);
  }
  return in + 1;
}

}  // namespace

int64_t element_of_lane(const Frame& frame, const Access& access, uint32_t lane) {
  return offset(frame, frame.buffers[access.slot], access, lane, "an access");
}

Step load_step(DType type) {
  if (is_bool(type)) return load_bool;
  switch (dtype_bytes(type)) {
    case 8:
      return load_lanes<uint64_t>;
    case 4:
      return load_lanes<uint32_t>;
    case 2:
      return load_lanes<uint16_t>;
    default:
      return load_lanes<uint8_t>;
  }
}

Step store_step(DType type) {
  switch (dtype_bytes(type)) {
    case 8:
      return store_lanes<uint64_t>;
    case 4:
      return store_lanes<uint32_t>;
    case 2:
      return store_lanes<uint16_t>;
    default:
      return store_lanes<uint8_t>;
  }
}

/// imm: the buffer's slot. Its content becomes the frame's byte, all ones where nothing else is asked for: NaN as a
/// float, -1 as an integer, so that a kernel that reads what it has not written is seen to.
const Instruction* step_alloc(Frame& frame, const Instruction* in) {
  BufferState& state = frame.buffers[in->imm];
  int64_t bytes = state.element_bytes;
  for (int64_t extent : state.shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, extent, &bytes))
      throw base::Error(base::code::kOutOfBuffer, fmt::format("scratch %{} has the shape [{}]", state.buffer->name,
                                                              fmt::join(state.shape, ", ")));
  state.owned.assign(static_cast<size_t>(bytes), static_cast<char>(frame.scratch));
  state.data = state.owned.data();
  return in + 1;
}

}  // namespace strata::ir::loops
