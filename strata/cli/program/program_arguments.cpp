#include "strata/cli/program/program_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/cli/command_line.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/ir/graph/describe.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/with_extents.h"

namespace strata::cli {
namespace {

/// The arrays that the user gave, by parameter.
std::vector<std::optional<ir::HostArray>> arrays_given(const ir::Graph& graph, const ArgumentOptions& options) {
  std::vector<std::optional<ir::HostArray>> given(graph.parameters().size());
  if (options.arguments.size() > given.size())
    throw base::Error(base::code::kArgumentMismatch, fmt::format("{}: takes {} arguments, found {}", graph.name(),
                                                                 given.size(), options.arguments.size()));
  for (size_t i = 0; i < options.arguments.size(); ++i) given[i] = array_given(options.arguments[i]);
  ArrayFiles files;
  for (const std::string& path : options.inputs) {
    const formats::SafetensorsFile& file = files.open(path);
    bool is_used = false;
    for (size_t i = 0; i < given.size(); ++i) {
      const std::string name(graph.parameter_name(i));
      if (!file.find(name)) continue;
      given[i] = file.array(name);
      is_used = true;
    }
    if (!is_used)
      throw base::Error(base::code::kMissingArgument,
                        fmt::format("{}: none of its tensors is a parameter of {}", path, graph.name()))
          .hint("tensors are taken by the names of the parameters, which stand in the program's text");
  }
  return given;
}

}  // namespace

const formats::SafetensorsFile& ArrayFiles::open(const std::string& path) {
  const auto known = files_.find(path);
  if (known != files_.end()) return known->second;
  return files_.emplace(path, formats::SafetensorsFile::open(path).value()).first->second;
}

void add_arguments(CommandLine& line, ArgumentOptions& options) {
  line.add_option("--inputs", options.inputs, "safetensors files: a tensor for each parameter, by name");
  line.add_option("--arg", options.arguments, "an argument, such as 'f32[2] [1.0, 2.0]', of the first parameters");
  line.add_option("--dim", options.dims, "the extent of a symbol, such as B=64, for arguments that are made up");
  line.add_seed("--seed", options.seed, "of arguments that are made up");
}

ir::HostArray array_given(const std::string& text) {
  auto read = ir::parse_array(text);
  if (read.ok()) return std::move(read.value());
  base::Error error(read.error().code(), fmt::format("--arg is '{}': {}", text.substr(0, 60), read.error().message()));
  throw error.hint("an array is written as 'f32[2] [1.0, 2.0]'");
}

namespace {

std::pair<std::string, int64_t> dim_given(const std::string& text) {
  const size_t equal = std::min(text.find('='), text.size());
  const std::string digits = text.substr(std::min(equal + 1, text.size()));
  int64_t value = -1;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (equal == 0 || fault != std::errc() || end != digits.data() + digits.size() || value < 0)
    throw base::Error(base::code::kCommandLine, fmt::format("--dim is {}, expected NAME=N as B=64", text));
  return {text.substr(0, equal), value};
}

}  // namespace

std::vector<std::pair<std::string, int64_t>> dims_listed(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, int64_t>> dims;
  for (const std::string& text : texts) {
    dims.push_back(dim_given(text));
    for (size_t i = 0; i + 1 < dims.size(); ++i)
      if (dims[i].first == dims.back().first)
        throw base::Error(base::code::kCommandLine, fmt::format("--dim: {} is given twice, as {} and {}", dims[i].first,
                                                                dims[i].second, dims.back().second));
  }
  return dims;
}

ir::DimBinding dims_given(const std::vector<std::string>& texts, const ir::Graph& graph) {
  ir::DimBinding dims;
  const std::vector<std::string> symbols = ir::parameter_symbols(graph);
  for (const auto& [name, value] : dims_listed(texts)) {
    if (std::ranges::find(symbols, name) == symbols.end())
      throw base::Error(base::code::kCommandLine,
                        fmt::format("--dim: {} is no symbol of {}, whose symbols are {}", name, graph.name(),
                                    symbols.empty() ? "none" : fmt::format("{}", fmt::join(symbols, ", "))));
    ir::require_fact(graph.name(), graph.facts().of(name), value);
    dims.bind(name, value);
  }
  return dims;
}

std::vector<ir::HostArray> program_arguments(const ir::Graph& graph, const ArgumentOptions& options) {
  std::vector<std::optional<ir::HostArray>> given = arrays_given(graph, options);
  ir::DimBinding dims = dims_given(options.dims, graph);
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i]) continue;
    const ir::Type types[] = {graph.parameters()[i]->type()};
    const std::vector<int64_t> shapes[] = {given[i]->shape()};
    dims = ir::DimBinding(graph, types, shapes, &dims);
  }
  const auto made_up = options.are_finite ? compiler::finite_arguments : compiler::random_arguments;
  std::vector<ir::HostArray> arguments = made_up(*ir::with_extents(graph, dims), options.seed);
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i]) arguments[i] = std::move(*given[i]);
  return arguments;
}

}  // namespace strata::cli
