#include "strata/ir/graph/op.h"

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"

namespace strata::ir {

std::string dtype_set_str(DTypeSet set) {
  if (set.bits == kAnyDType.bits) return "any dtype";
  if (set.bits == kFloats.bits) return "floats";
  if (set.bits == kInts.bits) return "integers";
  if (set.bits == kNumbers.bits) return "floats and integers";
  std::string text;
  for (DType t : kAllDTypes)
    if (set.has(t)) text += (text.empty() ? "" : ", ") + std::string(dtype_name(t));
  return text;
}

void Infer::fail(base::ErrorCode code, const std::string& message, const std::string& hint) const {
  base::Error error(code, std::string(op.name) + ": " + message);
  std::string types;
  for (const Value& v : operands) types += (types.empty() ? "" : ", ") + v.type().str();
  if (!types.empty()) error.note("operands are " + types);
  if (const std::string where = graph.location().str(); !where.empty()) error.note("recorded at " + where);
  for (const Value& v : operands)
    if (const std::string where = v.node->where.str(); !where.empty() && where != graph.location().str())
      error.note("operand " + v.type().str() + " comes from " + where);
  if (!hint.empty()) error.hint(hint);
  throw error;
}

void Infer::same_dtype(int first) const {
  for (int i = first + 1; i < count(); ++i)
    if (type(i).encoding() != type(first).encoding())
      fail(base::code::kOperandTypes, "operand dtypes differ: " + type(first).str() + " and " + type(i).str(),
           "convert one with cast");
}

void Infer::same_shape(int first) const {
  for (int i = first + 1; i < count(); ++i)
    if (!proved_equal(type(i).shape(), type(first).shape()))
      fail(base::code::kOperandShapes, "operand shapes differ: " + type(first).str() + " and " + type(i).str());
}

namespace {

void check_encoded(const Infer& i) {
  if (std::ranges::none_of(i.operands, [](const Value& v) { return v.type().is_encoded(); })) return;
  if (i.op.is_call) return;  // means what its region means, whose ops are asked themselves
  if (i.op.encoded) {
    if (i.op.encoded->check) i.op.encoded->check(i);
    return;
  }
  for (int k = 0; k < i.count(); ++k)
    if (i.type(k).is_encoded())
      i.fail(base::code::kBlocksNotTaken,
             "operand " + std::to_string(k) + " is " + i.type(k).str() + ", whose elements are blocks of bytes",
             "decode gives its elements; products and movements of whole blocks take it as it is");
}

}  // namespace

void apply_type_rule(Infer& i) {
  if (!i.operands.empty() && !i.op.types.has(i.operands[0].dtype()))
    i.fail(base::code::kOperandTypes,
           "takes " + dtype_set_str(i.op.types) + ", found " + std::string(i.operands[0].type().encoding().name()));
  check_encoded(i);
  try {
    i.op.infer(i);
  } catch (const base::Error& error) {  // of a type that can't be: it knows neither op nor place
    if (error.code() != base::code::kSplitBlocks || !error.notes().empty()) throw;
    i.fail(base::code::kSplitBlocks, error.message(), error.hints().empty() ? "" : error.hints()[0]);
  }
}

OpTable::OpTable(std::span<const Op* const> ops) : sorted_(ops.begin(), ops.end()) {
  std::sort(sorted_.begin(), sorted_.end(), [](const Op* a, const Op* b) { return a->name < b->name; });
}

const Op* OpTable::find(std::string_view name) const {
  auto it = std::lower_bound(sorted_.begin(), sorted_.end(), name,
                             [](const Op* op, std::string_view n) { return op->name < n; });
  return it != sorted_.end() && (*it)->name == name ? *it : nullptr;
}

const Op& OpTable::get(std::string_view name) const {
  if (const Op* op = find(name)) return *op;
  base::Error error(base::code::kUnknownOp, "there is no op named '" + std::string(name) + "'");
  std::vector<std::string> names;
  for (const Op* op : sorted_) names.emplace_back(op->name);
  if (auto near = base::nearest_name(name, names)) error.hint("did you mean '" + *near + "'?");
  throw error;
}

}  // namespace strata::ir
