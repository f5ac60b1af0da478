#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/loops/text/literal_text.h"
#include "strata/ir/text/array_text.h"
#include "strata/ir/text/attr_text.h"
#include "strata/ir/text/encoding_text.h"
#include "strata/ir/text/fact_text.h"

namespace strata::ir {
namespace {

/// The position on one line, so that it reads back as the same file, line and path.
std::string position_text(const Location& where) {
  std::string text = where.str();
  if (!where.file) std::replace(text.begin(), text.end(), ':', '_');
  for (size_t i = 0; i < text.size(); ++i)
    if (static_cast<unsigned char>(text[i]) < 0x20 || (text[i] == '/' && i + 1 < text.size() && text[i + 1] == '/'))
      text[i] = '_';
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  return text;
}

std::string types_text(std::span<const Type> types) {
  std::string text;
  for (const Type t : types) text += (text.empty() ? "" : ", ") + t.str();
  return text;
}

std::string attrs_text(const Node& node) {
  std::string text;
  for (const Attr& a : node.attrs.all()) {
    const auto& specs = node.op->attrs;
    const bool is_declared =
        std::any_of(specs.begin(), specs.end(), [&](const AttrSpec& s) { return s.name == a.name; });
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", a.name, attr_text(a, is_declared));
  }
  return text.empty() ? text : " {" + text + "}";
}

class GraphPrinter {
 public:
  GraphPrinter(const Graph& graph, const PrintOptions& options, std::string indent)
      : graph_(graph), options_(options), indent_(std::move(indent)) {}

  std::string print() {
    text_ = fmt::format("{}func @{}(", indent_, usable_name(graph_.name(), "main"));
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      const Value p = graph_.parameter(i);
      names_[p.node] = {parameter_name(i)};
      text_ += fmt::format("{}%{}: {}", i ? ", " : "", names_[p.node][0], p.type().str());
    }
    std::vector<Type> results;
    for (const Value& v : graph_.results()) results.push_back(v.type());
    const std::string types = results.size() == 1 ? types_text(results) : "(" + types_text(results) + ")";
    text_ += fmt::format(") -> {}{} {{\n", types, facts_text(graph_.facts()));
    for (const Node* node : graph_.nodes())
      if (!node->is_parameter()) print_line(*node);
    if (!graph_.results().empty()) text_ += fmt::format("{}  return {}\n", indent_, values_text(graph_.results()));
    text_ += indent_ + "}\n";
    return std::move(text_);
  }

 private:
  std::string parameter_name(int i) {
    const std::string name = usable_name(graph_.parameter_name(i), "p" + std::to_string(i));
    std::string unique = name;
    for (int k = 1; !taken_.insert(unique).second; ++k) unique = fmt::format("{}.{}", name, k);
    return unique;
  }

  std::string values_text(std::span<const Value> values) const {
    std::string text;
    for (const Value& v : values) text += (text.empty() ? "%" : ", %") + names_.at(v.node)[v.index];
    return text;
  }

  void print_line(const Node& node) {
    const std::string operands = values_text(node.operands());
    auto& names = names_[&node];
    for (uint32_t i = 0; i < node.result_count; ++i) names.push_back(std::to_string(next_++));
    std::string line = indent_ + "  ";
    for (size_t i = 0; i < names.size(); ++i) line += (i ? ", %" : "%") + names[i];
    line += fmt::format("{}{}{}{}{}", names.empty() ? "" : " = ", node.op->name, operands.empty() ? "" : " ", operands,
                        attrs_text(node));
    if (node.result_count) line += " : " + types_text(node.types());
    if (const std::string where = options_.positions ? position_text(node.where) : ""; !where.empty())
      line += "  @ " + where;
    text_ += line + "\n";
    for (const GraphRef& region : node.regions()) text_ += GraphPrinter(*region, options_, indent_ + "    ").print();
  }

  const Graph& graph_;
  const PrintOptions& options_;
  std::string indent_, text_;
  std::unordered_map<const Node*, std::vector<std::string>> names_;
  std::unordered_set<std::string> taken_;
  int next_ = 0;
};

}  // namespace

std::string attr_text(const Attr& a, bool is_declared) {
  switch (a.kind) {
    case AttrKind::Bool:
      return a.flag ? "true" : "false";
    case AttrKind::Int:
      return std::to_string(a.integer);
    case AttrKind::Float:
      return loops::literal_text(DType::f64, a.integer, false);
    case AttrKind::Text:
      return quoted(a.as_text());
    case AttrKind::Type:
      return std::string(dtype_name(a.dtype));
    case AttrKind::Array:
      return array_text(*a.array);
    case AttrKind::Ints:
    case AttrKind::Dims:
      break;
  }
  std::string text = a.kind == AttrKind::Dims && !is_declared ? "dims [" : "[";
  for (uint32_t i = 0; i < a.count; ++i)
    text += (i ? ", " : "") + (a.kind == AttrKind::Ints ? std::to_string(a.ints[i]) : a.dims[i].str());
  return text + "]";
}

std::string print_graph(const Graph& graph, const PrintOptions& options) {
  return declarations_text(graph) + GraphPrinter(graph, options, "").print();
}

std::string print_node(const Node& node) {
  if (node.is_parameter()) return "parameter " + node.type().str();
  std::string text = node.result_count ? fmt::format("%n{} = {}", node.id, node.op->name) : std::string(node.op->name);
  for (size_t i = 0; i < node.operands().size(); ++i) {
    const Value v = node.operands()[i];
    text += fmt::format("{}%n{}", i ? ", " : " ", v.node->id) +
            (v.node->result_count > 1 ? fmt::format("#{}", v.index) : "");
  }
  text += attrs_text(node);
  return node.result_count ? text + " : " + types_text(node.types()) : text;
}

}  // namespace strata::ir
