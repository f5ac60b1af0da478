#include "strata/compiler/check/native_equivalence.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/compiler/check/error_bounds.h"
#include "strata/ir/graph/interpret.h"

namespace strata::compiler {

using ir::HostArray;

std::vector<HostArray> run_natively(const std::shared_ptr<const ir::Graph>& graph, std::span<const HostArray> arguments,
                                    const CompileOptions& options) {
  std::vector<HostArray> copies;
  for (const HostArray& a : arguments) copies.push_back(a.clone());
  return compile(graph, options)->run(std::move(copies));
}

std::string ElementDifference::text() const {
  return fmt::format("result {}, element {}: expected {}, found {}, allowed is {}", result, element, expected, found,
                     allowed);
}

std::optional<ElementDifference> first_element_off(std::span<const HostArray> expected,
                                                   std::span<const HostArray> found,
                                                   const std::vector<std::vector<double>>& bounds) {
  for (size_t r = 0; r < expected.size(); ++r) {
    const HostArray wanted = expected[r].stored(), given = found[r].stored();
    for (int64_t i = 0; i < wanted.elements(); ++i) {
      const double a = wanted.get(i), b = given.get(i), bound = bounds.empty() ? 0 : bounds[r][i];
      if (std::isnan(a) && std::isnan(b)) continue;
      const bool is_whole = !ir::is_float(wanted.dtype());
      const bool fits = bounds.empty() && is_whole ? wanted.get_int(i) == given.get_int(i)
                        : bounds.empty()           ? a == b && std::signbit(a) == std::signbit(b)
                                                   : a == b || std::isinf(bound) || std::fabs(a - b) <= bound;
      if (!fits) return ElementDifference{static_cast<int>(r), i, a, b, bound};
    }
  }
  return std::nullopt;
}

std::optional<std::string> first_out_of_bounds(std::span<const HostArray> expected, std::span<const HostArray> found,
                                               const std::vector<std::vector<double>>& bounds) {
  if (expected.size() != found.size()) return fmt::format("{} results, found {}", expected.size(), found.size());
  for (size_t r = 0; r < expected.size(); ++r)
    if (expected[r].encoding() != found[r].encoding() || expected[r].shape() != found[r].shape())
      return fmt::format("result {} has another type", r);
  const auto off = first_element_off(expected, found, bounds);
  return off ? std::optional(off->text()) : std::nullopt;
}

std::optional<std::string> find_native_difference(std::shared_ptr<const ir::Graph> graph,
                                                  std::span<const HostArray> arguments, const CompileOptions& options) {
  const auto bounds = error_bounds(*graph, arguments, 1);
  const auto expected = ir::interpret(*graph, arguments);
  return first_out_of_bounds(expected, run_natively(std::move(graph), arguments, options), bounds);
}

}  // namespace strata::compiler
