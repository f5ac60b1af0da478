#include "strata/tensor/lazy/variant.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "strata/compiler/compile.h"
#include "strata/compiler/graph/numbers/free_numbers.h"

namespace strata::lazy {
namespace {

using ir::Dim;

/// A listed registry: a count.
std::atomic<int64_t> compiled{0};

/// A symbol stands for itself in an extent of an argument.
std::vector<std::pair<std::string, size_t>> symbols_among(std::span<const compiler::WrittenSize> written,
                                                          std::span<const Dim> sizes) {
  std::vector<std::pair<std::string, size_t>> symbols;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (!written[i].is_extent || !written[i].dim.is_constant()) continue;
    const auto name = sizes[i].symbol_name();
    if (name && std::ranges::find(symbols, *name, &std::pair<std::string, size_t>::first) == symbols.end())
      symbols.emplace_back(*name, i);
  }
  return symbols;
}

std::string explained_sizes(const Segment& segment, std::span<const std::pair<std::string, size_t>> symbols) {
  std::string text;
  for (const auto& [name, place] : symbols)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, place_of_extent(segment, place));
  return text;
}

}  // namespace

Variant::Variant(const Segment& segment, Generality generality, const std::vector<ir::Donation>& donations)
    : generality_(std::move(generality)),
      values_(segment.values),
      symbols_(symbols_among(segment.written, generality_.sizes)) {
  std::shared_ptr<const ir::Graph> graph = segment.graph;
  if (has_symbols()) graph = compiler::with_sizes(*graph, generality_.sizes);
  std::vector<const ir::Node*> changing;
  for (size_t i = 0; i < segment.numbers.size(); ++i)
    if (generality_.changes[i]) changing.push_back(graph->nodes()[segment.numbers[i]->id]);
  if (!changing.empty()) graph = compiler::with_parameters(*graph, changing);
  explained_ = explained_sizes(segment, symbols_);
  ++compiled;
  compiler::CompileOptions options;
  options.donations = donations;
  executable_ = compiler::compile(graph, options);
}

bool Variant::fits(const Segment& segment) const {
  for (size_t i = 0; i < values_.size(); ++i)
    if (!generality_.changes[i] && !(values_[i] == segment.values[i])) return false;
  const auto value_of = [&](std::string_view name) {
    const auto known = std::ranges::find(symbols_, name, &std::pair<std::string, size_t>::first);
    return segment.sizes[known->second];
  };
  for (size_t i = 0; i < segment.sizes.size(); ++i) {
    if (!segment.written[i].dim.is_constant()) continue;
    const Dim d = generality_.sizes[i];
    if ((d.is_constant() ? d.constant() : d.evaluate(value_of)) != segment.sizes[i]) return false;
  }
  return true;
}

void Variant::add_numbers(const Segment& segment, std::vector<ir::HostArray>& arguments) const {
  for (size_t i = 0; i < segment.numbers.size(); ++i)
    if (generality_.changes[i]) arguments.push_back(segment.numbers[i]->attrs.array("value"));
}

std::string Variant::explained() const { return explained_; }

int64_t compiled_count() { return compiled; }

}  // namespace strata::lazy
