#include "strata/tensor/jit/difference.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"

namespace strata::jit_detail {
namespace {

template <class Items, class F>
std::string listed(const Items& items, F&& text) {
  std::string list;
  for (const auto& item : items) list += (list.empty() ? "" : ", ") + text(item);
  return "[" + list + "]";
}

std::string text_of(const ir::Attr& a) {
  switch (a.kind) {
    case ir::AttrKind::Bool:
      return a.flag ? "true" : "false";
    case ir::AttrKind::Int:
      return std::to_string(a.integer);
    case ir::AttrKind::Float:
      return fmt::format("{}", a.real);
    case ir::AttrKind::Text:
      return fmt::format("'{}'", a.as_text());
    case ir::AttrKind::Type:
      return std::string(ir::dtype_name(a.dtype));
    case ir::AttrKind::Ints:
      return listed(a.as_ints(), [](int64_t i) { return std::to_string(i); });
    case ir::AttrKind::Dims:
      return listed(a.as_dims(), [](ir::Dim d) { return d.str(); });
    case ir::AttrKind::Array:
      // As many digits as tell two numbers apart, which a printed array has not.
      return a.array->elements() == 1 && is_float(a.array->dtype()) ? fmt::format("{}", a.array->get(0))
                                                                    : a.array->str();
  }
  return "";
}

std::string recorded_at(const ir::Node& node) {
  const std::string where = node.where.str();
  return where.empty() ? "" : " recorded at " + where;
}

std::string name_of(const ir::Node& node) {
  return node.is_parameter() ? "an argument of type " + node.type().str() : std::string(node.op->name);
}

std::string difference_of(const ir::Node& before, const ir::Node& now) {
  if (before.op != now.op || before.operand_count != now.operand_count)
    return fmt::format("{}{} is {}{} now", name_of(before), recorded_at(before), name_of(now), recorded_at(now));
  if (before.is_parameter() && !(before.type() == now.type()))
    return fmt::format("a tensor of type {} is {} now", before.type().str(), now.type().str());
  for (size_t i = 0; i < std::min(before.attrs.all().size(), now.attrs.all().size()); ++i) {
    const ir::Attr &a = before.attrs.all()[i], &b = now.attrs.all()[i];
    if (a.hash() == b.hash()) continue;
    if (before.op->name == "constant")
      return fmt::format("the constant {}{} is {} now", text_of(a), recorded_at(now), text_of(b));
    return fmt::format("{}{}: {} was {} and is {} now", name_of(before), recorded_at(now), a.name, text_of(a),
                       text_of(b));
  }
  for (size_t i = 0; i < std::min(before.regions().size(), now.regions().size()); ++i)
    if (std::string inner = first_difference(*before.regions()[i], *now.regions()[i]); !inner.empty()) return inner;
  for (uint32_t i = 0; i < before.operand_count; ++i)
    if (before.operands()[i].node->id != now.operands()[i].node->id)
      return fmt::format("{}{} takes other operands now", name_of(before), recorded_at(now));
  return "";
}

}  // namespace

std::string first_difference(const ir::Graph& before, const ir::Graph& now) {
  const auto a = before.nodes(), b = now.nodes();
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (std::string found = difference_of(*a[i], *b[i]); !found.empty()) return found;
  if (a.size() != b.size())
    return fmt::format("it has {} nodes now and had {}, the first that differs is {}{}", b.size(), a.size(),
                       name_of(a.size() > b.size() ? *a[b.size()] : *b[a.size()]),
                       recorded_at(a.size() > b.size() ? *a[b.size()] : *b[a.size()]));
  return "";
}

}  // namespace strata::jit_detail
