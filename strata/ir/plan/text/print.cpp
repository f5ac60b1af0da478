#include <fmt/format.h>

#include <algorithm>

#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/text/array_text.h"
#include "strata/ir/text/encoding_text.h"

namespace strata::ir {
namespace {

std::string buffers_text(std::span<const int> buffers) {
  std::string text = "(";
  for (size_t i = 0; i < buffers.size(); ++i) text += fmt::format("{}b{}", i ? ", " : "", buffers[i]);
  return text + ")";
}

std::string buffer_text(const Plan& plan, int i) {
  const PlanBuffer& b = plan.buffers[i];
  constexpr std::string_view kNames[] = {"argument", "constant", "result", "arena"};
  std::string text = fmt::format("b{} = {}", i, kNames[static_cast<size_t>(b.kind)]);
  if (b.kind != PlanBufferKind::Arena) text += fmt::format(" {}", b.index);
  if (b.root != i) text += fmt::format(" in b{}", b.root);
  text += fmt::format(" : {} live [{}, {}]", b.type.str(), b.first, b.last);
  const bool holds_value = b.kind == PlanBufferKind::Constant && b.root == i;
  return holds_value ? text + " value " + array_text(plan.constants[b.index]) : text;
}

std::string command_text(const Plan& plan, size_t i) {
  const PlanCommand& c = plan.commands[i];
  std::string what = "copy";
  if (c.kind == CommandKind::Kernel) what = fmt::format("kernel {} @{}", c.kernel, plan.kernels[c.kernel]);
  if (c.kind == CommandKind::Host) what = "host";
  std::string text =
      fmt::format("{} {} #{} {} -> {}", i, what, c.node->id, buffers_text(c.reads), buffers_text(c.writes));
  for (const KernelVariant& v : c.variants)
    text += fmt::format(" or {} @{} where {} >= {}", v.kernel, plan.kernels[v.kernel], v.most, v.value.str());
  for (size_t r = 0; r < c.regions.size(); ++r) text += fmt::format("{}{}", r ? ", " : " regions (", c.regions[r]);
  if (!c.regions.empty()) text += ")";
  if (c.updates >= 0) text += fmt::format(" updates {}{}", c.updates, c.must_be_in_place ? " in_place" : "");
  if (!c.copied_because.empty()) text += " copied because " + quoted(c.copied_because);
  return c.can_fail ? text + " can_fail" : text;
}

std::string indented(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  for (size_t end = 0; !text.empty(); text.remove_prefix(end)) {
    end = std::min(text.find('\n'), text.size() - 1) + 1;
    result.append("  ").append(text.substr(0, end));
  }
  return result;
}

}  // namespace

std::string print_plan(const Plan& plan) {
  std::string text = declarations_text(*plan.graph) + fmt::format("plan @{}", usable_name(plan.name, "main"));
  for (size_t i = 0; i < plan.dims.size(); ++i) text += (i ? ", " : " dims (") + plan.dims[i];
  text += plan.dims.empty() ? " {\n" : ") {\n";
  for (const EntryCondition& c : plan.entry) text += fmt::format("  entry {} >= {}\n", c.value.str(), c.lowest);
  for (size_t i = 0; i < plan.buffers.size(); ++i) text += "  " + buffer_text(plan, i) + "\n";
  for (size_t i = 0; i < plan.commands.size(); ++i) text += "  " + command_text(plan, i) + "\n";
  text += fmt::format("  arguments {}\n  results {}\n", buffers_text(plan.arguments), buffers_text(plan.results));
  for (const Donation& d : plan.donations)
    text += fmt::format("  donate result {} argument {}\n", d.result, d.argument);
  for (const KeptArgument& k : plan.kept)
    text += fmt::format("  keep argument {} beside result {} because {}\n", k.argument, k.result, quoted(k.reason));
  for (const FiniteResult& f : plan.finite)
    text += fmt::format("  finite result {} {} in b{} behind {}\n", f.result, quoted(f.name), f.buffer, f.command);
  for (const auto& region : plan.regions) text += indented(print_plan(*region));
  for (const PlanPrologue& part : plan.prologue) {
    std::string from;
    for (size_t i = 0; i < part.from.size(); ++i) from += fmt::format("{}{}", i ? ", " : "", part.from[i]);
    text += fmt::format("  prologue ({})\n", from) + indented(print_plan(*part.plan));
  }
  return text + indented(print_graph(*plan.graph)) + "}\n";
}

}  // namespace strata::ir
