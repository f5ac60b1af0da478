#include "strata/ir/encoding/block_format.h"

#include <fmt/format.h>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::ir {

using namespace loops;

namespace {

/// A description has no dimensions and no tasks: its buffers are the block.
void run(const Interpreter& kernel, const std::byte* from, std::byte* to) {
  void* const buffers[] = {const_cast<std::byte*>(from), to};
  RunStatus status;
  kernel.run(buffers, {}, status);
}

[[noreturn]] void refuse_extent(const BlockFormat& format, const std::string& shape, size_t rank) {
  if (rank == 0)
    throw base::Error(base::code::kSplitBlocks,
                      fmt::format("{}{}: blocks of {} elements lie along the last axis, and there is none", format.name,
                                  shape, format.elements));
  throw base::Error(base::code::kSplitBlocks, fmt::format("{}{}: blocks of {} elements don't divide axis {}",
                                                          format.name, shape, format.elements, rank - 1))
      .hint("pad the axis to a multiple, or lay another axis last");
}

bool has_axis_of_bytes(const BlockFormat& format) { return format.elements != 1 || format.bytes != 1; }

std::string text_of(std::span<const int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }
std::string text_of(std::span<const Dim> shape) {
  std::string text;
  for (Dim d : shape) text += (text.empty() ? "" : ",") + d.str();
  return "[" + text + "]";
}

}  // namespace

BlockReader::BlockReader(const BlockFormat& format) : decode_(format.decode) {}
void BlockReader::operator()(const std::byte* bytes, std::byte* values) const { run(decode_, bytes, values); }

BlockWriter::BlockWriter(const BlockFormat& format) : encode_(*format.encode) {}
void BlockWriter::operator()(const std::byte* values, std::byte* bytes) const { run(encode_, values, bytes); }

Expr decode_expr(LoopContext& context, const BlockFormat& format, Expr index, const ReadByte& byte) {
  return part_of_decode(context, format, format.decode.body[0]->body[0]->value, index, byte);
}

Expr part_of_decode(LoopContext& context, const BlockFormat& format, Expr part, Expr index, const ReadByte& byte) {
  const Buffer* block = format.decode.params[0];
  std::function<Expr(Expr)> rewritten;
  ExprRewriter rewriter(context, [&](Expr e) -> Expr {
    if (e->op == ExprOp::Loop) return index;
    if (e->op == ExprOp::Load && e->buffer == block) return byte(rewritten(e->args[0]));
    return nullptr;
  });
  rewritten = [&](Expr e) { return rewriter(e); };
  return rewriter(part);
}

std::vector<StmtPtr> encode_stmts(LoopContext& context, const BlockFormat& format, const ReadElement& element,
                                  const Buffer* to, std::span<const Expr> block) {
  const Kernel& kernel = *format.encode;
  const Buffer *values = context.buffer(*kernel.params[0]), *bytes = context.buffer(*kernel.params[1]);
  Substitution own;
  own.buffers = {{kernel.params[0], values}, {kernel.params[1], bytes}};
  const std::vector<StmtPtr> copy = copy_fresh(context, kernel.body, std::move(own));
  std::function<Expr(Expr)> rewritten;
  ExprRewriter rewriter(context, [&](Expr e) -> Expr {
    return e->op == ExprOp::Load && e->buffer == values ? element(rewritten(e->args[0])) : nullptr;
  });
  rewritten = [&](Expr e) { return rewriter(e); };
  return map_stmts(map_exprs(copy, rewritten), [&](const StmtPtr& stmt) -> std::optional<std::vector<StmtPtr>> {
    if (stmt->kind != StmtKind::Store || stmt->buffer != bytes) return std::nullopt;
    std::vector<Expr> at(block.begin(), block.end());
    if (at.size() < to->shape.size()) at.push_back(stmt->indices[0]);
    return std::vector<StmtPtr>{make_store(to, std::move(at), stmt->value)};
  });
}

std::vector<Dim> stored_shape(const BlockFormat& format, std::span<const Dim> shape) {
  if (format.order == BlockOrder::WholeArray) return {ceil_div(product(shape), Dim(format.elements))};
  std::vector<Dim> stored(shape.begin(), shape.end());
  if (format.elements != 1) {
    if (shape.empty() || is_not_multiple(shape.back(), format.elements))
      refuse_extent(format, text_of(shape), shape.size());
    stored.back() = floor_div(shape.back(), Dim(format.elements));
  }
  if (has_axis_of_bytes(format)) stored.emplace_back(format.bytes);
  return stored;
}

int64_t stored_bytes(const BlockFormat& format, std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t d : shape)
    if (__builtin_mul_overflow(count, d, &count))
      throw base::Error(base::code::kOutOfMemory, "array: the size does not fit 64 bits");
  if (format.order == BlockOrder::AlongLastAxis && format.elements != 1 &&
      (shape.empty() || shape.back() % format.elements != 0))
    refuse_extent(format, text_of(shape), shape.size());
  const int64_t blocks = count / format.elements + (count % format.elements != 0);
  if (__builtin_mul_overflow(blocks, format.bytes, &count))
    throw base::Error(base::code::kOutOfMemory, "array: the size in bytes does not fit 64 bits");
  return count;
}

std::string declaration_text(const BlockFormat& format) {
  return fmt::format("encoding {} {{\n{}{}}}\n", format.name, print(format.decode),
                     format.encode ? print(*format.encode) : "");
}

}  // namespace strata::ir
