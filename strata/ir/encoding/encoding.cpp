// The table of formats: names, identities, and what a description must look like.
#include "strata/ir/encoding/encoding.h"

#include <fmt/format.h>

#include <deque>
#include <mutex>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/encoding/built_in.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/structural_hash.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::ir {
namespace {

using loops::ExprOp;
using loops::Kernel;
using loops::Stmt;
using loops::StmtKind;

/// More bytes or elements than this are a slip: a block is what fits a vector register or a few.
constexpr int64_t kLargestBlock = 65536;
/// Formats are kept for ever; a process that declares more than this does so from untrusted texts.
constexpr size_t kMostFormats = 1024;

/// A listed registry: formats are compared by address and outlive every program. Guarded by its lock.
struct FormatTable {
  std::mutex lock;
  std::deque<BlockFormat> formats;
};
FormatTable& format_table();

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  throw base::Error(base::code::kEncodingDescription, fmt::format("encoding {}: {}", name, what));
}

int64_t extent_of(std::string_view name, const Kernel& kernel, size_t param) {
  const loops::Buffer& b = *kernel.params[param];
  if (b.shape.size() != 1 || !b.shape[0].is_constant() || b.shape[0].constant() < 1 ||
      b.shape[0].constant() > kLargestBlock)
    refuse(name, fmt::format("%{} of @{} should have one axis of 1 to {}", b.name, kernel.name, kLargestBlock));
  return b.shape[0].constant();
}

void check_head(std::string_view name, const Kernel& kernel) {
  const bool fits = kernel.params.size() == 2 && kernel.params[0]->kind == loops::BufferKind::Input &&
                    kernel.params[1]->kind == loops::BufferKind::Output && kernel.dims.empty();
  if (!fits) refuse(name, fmt::format("@{} should read one buffer and write another", kernel.name));
}

void check_decode(std::string_view name, const BlockFormat& format) {
  const Kernel& kernel = format.decode;
  if (kernel.params[0]->dtype != DType::u8) refuse(name, "@decode should read u8");
  if (is_bool(format.value)) refuse(name, "@decode should give numbers, found bool");
  const bool is_loop = kernel.body.size() == 1 && kernel.body[0]->kind == StmtKind::For && kernel.body[0]->step == 1 &&
                       loops::constant_value(kernel.body[0]->begin) == 0 &&
                       loops::constant_value(kernel.body[0]->end) == format.elements &&
                       kernel.body[0]->body.size() == 1;
  const Stmt* store = is_loop ? kernel.body[0]->body[0].get() : nullptr;
  const bool is_store = store && store->kind == StmtKind::Store && !store->mask && store->indices.size() == 1 &&
                        store->indices[0]->op == ExprOp::Loop;
  if (!is_store)
    refuse(name, fmt::format("the body of @decode should be: for i in 0..{} {{ %{}[i] = ... }}", format.elements,
                             kernel.params[1]->name));
  if (loops::any_node(store->value,
                      [&](loops::Expr e) { return e->op == ExprOp::Load && e->buffer != kernel.params[0]; }))
    refuse(name, "@decode should read nothing but the block");
}

void check_encode(std::string_view name, const BlockFormat& format) {
  const Kernel& kernel = *format.encode;
  if (kernel.params[0]->dtype != format.value || extent_of(name, kernel, 0) != format.elements ||
      kernel.params[1]->dtype != DType::u8 || extent_of(name, kernel, 1) != format.bytes)
    refuse(name, fmt::format("@encode should make u8[{}] of {}[{}], as @decode reads it", format.bytes,
                             dtype_name(format.value), format.elements));
  bool reads_back = false, is_parallel = false;
  loops::for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    is_parallel = is_parallel || (stmt.kind == StmtKind::For && stmt.loop_kind == loops::LoopKind::Parallel);
    loops::for_each_expr(stmt, [&](loops::Expr e) {
      reads_back = reads_back || loops::any_node(e, [&](loops::Expr node) {
                     return node->op == ExprOp::Load && node->buffer == kernel.params[1];
                   });
    });
  });
  if (reads_back) refuse(name, "@encode should not read the bytes that it writes");
  if (is_parallel) refuse(name, "@encode should have no parallel loop: blocks are what runs in parallel");
}

BlockFormat read_format(std::string_view name, BlockOrder order, std::string_view text) {
  base::Result<std::vector<Kernel>> kernels = loops::parse_kernels(text);
  if (!kernels.ok()) throw base::Error(kernels.error()).note(fmt::format("in the encoding {}", name));
  BlockFormat format{std::string(name), order};
  bool has_decode = false;
  for (Kernel& kernel : *kernels) {
    check_head(name, kernel);
    if (kernel.name == "decode" && !has_decode)
      format.decode = std::move(kernel), has_decode = true;
    else if (kernel.name == "encode" && !format.encode)
      format.encode = std::move(kernel);
    else
      refuse(name, fmt::format("expected one kernel @decode and at most one @encode, found @{}", kernel.name));
  }
  if (!has_decode) refuse(name, "there is no kernel @decode");
  format.bytes = extent_of(name, format.decode, 0);
  format.elements = extent_of(name, format.decode, 1);
  format.value = format.decode.params[1]->dtype;
  if (format.bytes > 8 * format.elements) refuse(name, "a block has at most 8 bytes an element");
  check_decode(name, format);
  if (format.encode) check_encode(name, format);
  format.digest = loops::structural_hash(format.decode);
  for (int64_t part : {static_cast<int64_t>(order), format.elements, format.bytes, static_cast<int64_t>(format.value)})
    format.digest = base::combine(format.digest, part);
  format.hash = format.encode ? base::combine(format.digest, loops::structural_hash(*format.encode)) : format.digest;
  return format;
}

FormatTable& format_table() {
  static FormatTable* table = [] {
    auto* made = new FormatTable;
    for (const FormatText& text : built_in_formats()) {
      made->formats.push_back(read_format(text.name, text.order, text.kernels));
      made->formats.back().is_built_in = true;
    }
    return made;
  }();
  return *table;
}

}  // namespace

DType Encoding::value_dtype() const { return format_ ? format_->value : dtype_; }
std::string_view Encoding::name() const { return format_ ? std::string_view(format_->name) : dtype_name(dtype_); }

std::optional<Encoding> find_encoding(std::string_view name) {
  if (const auto dtype = dtype_from_name(name)) return Encoding(*dtype);
  FormatTable& table = format_table();
  std::lock_guard hold(table.lock);
  for (const BlockFormat& format : table.formats)
    if (format.name == name) return Encoding(&format);
  return std::nullopt;
}

Encoding encoding_named(std::string_view name) {
  if (const auto known = find_encoding(name)) return *known;
  std::vector<std::string> names;
  for (DType t : kAllDTypes) names.emplace_back(dtype_name(t));
  {
    std::lock_guard hold(format_table().lock);
    for (const BlockFormat& format : format_table().formats) names.push_back(format.name);
  }
  base::Error error(base::code::kEncodingName, fmt::format("there is no encoding named '{}'", name));
  if (const auto near = base::nearest_name(name, names)) error.hint("did you mean '" + *near + "'?");
  throw error;
}

std::vector<Encoding> built_in_encodings() {
  std::vector<Encoding> list;
  FormatTable& table = format_table();
  std::lock_guard hold(table.lock);
  for (const BlockFormat& format : table.formats)
    if (format.is_built_in) list.emplace_back(&format);
  return list;
}

Encoding declare_encoding(std::string_view name, std::string_view kernels) {
  if (!loops::is_identifier(name)) refuse(name, "a name consists of letters, digits and _");
  if (dtype_from_name(name))
    throw base::Error(base::code::kEncodingName, fmt::format("encoding {}: that is the name of a dtype", name));
  BlockFormat format = read_format(name, BlockOrder::AlongLastAxis, kernels);
  FormatTable& table = format_table();
  std::lock_guard hold(table.lock);
  for (const BlockFormat& known : table.formats) {
    const bool is_same = known.digest == format.digest;
    if (known.name != name && is_same)
      throw base::Error(base::code::kEncodingName,
                        fmt::format("encoding {}: that is {} under another name", name, known.name))
          .hint(fmt::format("write {}", known.name));
    if (known.name != name) continue;
    if (known.hash != format.hash)
      throw base::Error(base::code::kEncodingName, fmt::format("encoding {}: another format has this name", name));
    return Encoding(&known);
  }
  if (table.formats.size() >= kMostFormats)
    throw base::Error(base::code::kEncodingName,
                      fmt::format("encoding {}: there are {} formats already", name, kMostFormats));
  table.formats.push_back(std::move(format));
  return Encoding(&table.formats.back());
}

}  // namespace strata::ir
