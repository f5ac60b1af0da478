// A block format as a description: how many elements share how many bytes, and the loop programs that read and make a
// block. No code knows a format by name; interpreter and compiler take the descriptions apart in the same way.
//
//   along the last axis      [.., 96] of q4_0:  | 18 bytes: elements 0..31 | 32..63 | 64..95 |  stored as u8[.., 3, 18]
//   through the whole array  [3, 5] of i4:      0 1 | 2 3 | ... | 14 -     two a byte, low bits first, stored as u8[8];
//                                               bits behind the last element are 0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/ir/dim.h"
#include "strata/ir/encoding/encoding.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/kernel.h"

namespace strata::ir {

/// Which elements of an array share a block.
enum class BlockOrder : uint8_t {
  AlongLastAxis,  ///< the last axis is a multiple of a block, an entry predicate where it is symbolic
  WholeArray,     ///< elements follow each other row by row, whatever the extents
};

struct BlockFormat {
  std::string name;
  BlockOrder order = BlockOrder::AlongLastAxis;
  bool is_built_in = false;
  int64_t elements = 1, bytes = 1;  ///< of one block
  DType value = DType::f32;
  loops::Kernel decode;                 ///< u8[bytes] -> value[elements]; its body is one loop with one store
  std::optional<loops::Kernel> encode;  ///< value[elements] -> u8[bytes]
  base::Hash128 digest;                 ///< of order, shape, bytes and decode function: the format's identity
  base::Hash128 hash;                   ///< of these and the encode function: what compiled kernels are kept by
};

/// Reads blocks of a format, one after the other: `bytes` of one block to `elements` values as the host stores them.
class BlockReader {
 public:
  explicit BlockReader(const BlockFormat& format);
  void operator()(const std::byte* bytes, std::byte* values) const;

 private:
  loops::Interpreter decode_;
};
/// The other way. The format has an encode function.
class BlockWriter {
 public:
  explicit BlockWriter(const BlockFormat& format);
  void operator()(const std::byte* values, std::byte* bytes) const;

 private:
  loops::Interpreter encode_;
};

/// The decode function in another loop program: element `index` (i64, below `elements`) of the block whose bytes `byte`
/// reads.
using ReadByte = std::function<loops::Expr(loops::Expr index)>;
loops::Expr decode_expr(loops::LoopContext& context, const BlockFormat& format, loops::Expr index,
                        const ReadByte& byte);
/// The same for a part of what the decode function stores.
loops::Expr part_of_decode(loops::LoopContext& context, const BlockFormat& format, loops::Expr part, loops::Expr index,
                           const ReadByte& byte);

/// The statements that make one block in another loop program: `element` reads value i of it, its bytes are stored at
/// [block..., byte] of `to`.
using ReadElement = std::function<loops::Expr(loops::Expr index)>;
std::vector<loops::StmtPtr> encode_stmts(loops::LoopContext& context, const BlockFormat& format,
                                         const ReadElement& element, const loops::Buffer* to,
                                         std::span<const loops::Expr> block);

/// The shape of the u8 array that stores an array of this shape: whole blocks and their bytes; without the axis of
/// bytes where a block is one element in one byte. E0144 for an extent that is no multiple of a block; a symbolic one
/// is an entry predicate (entry_conditions.h).
std::vector<Dim> stored_shape(const BlockFormat& format, std::span<const Dim> shape);
/// Bytes of an array; E0144 as above, E0112 beyond 64 bits.
int64_t stored_bytes(const BlockFormat& format, std::span<const int64_t> shape);

/// "encoding q5 { kernel @decode... }", as graph texts declare it.
std::string declaration_text(const BlockFormat& format);

}  // namespace strata::ir
