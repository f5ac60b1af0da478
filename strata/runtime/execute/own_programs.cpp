#include "strata/runtime/execute/own_programs.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/with_extents.h"

namespace strata::runtime {

/// The symbols in the extents that are empty, with their values. A condition of a rule that is broken, and yet no rule
/// refused, is none of them: the plan runs it.
ir::DimBinding OwnPrograms::numbers_in_empty_extents(const ir::DimBinding& dims) const {
  std::vector<std::string> symbols;
  for (const ir::EntryCondition& c : entry_)
    if (c.lowest > 0 && dims.knows(c.value) && dims(c.value) < c.lowest) c.value.collect_symbols(symbols);
  std::ranges::sort(symbols);
  ir::DimBinding numbers;
  for (const std::string& symbol : symbols) numbers.bind(symbol, dims(ir::Dim::symbol(symbol)));
  return numbers;
}

std::shared_ptr<const Executable> OwnPrograms::of(const ir::DimBinding& dims) {
  const std::shared_ptr<const ir::Graph> recorded = recorded_();
  ir::with_extents(*recorded, dims);  // asks the rules: what they refuse of the numbers has their code and line
  const ir::DimBinding numbers = numbers_in_empty_extents(dims);
  if (numbers.all().empty()) return nullptr;
  base::Hash128 key;
  std::string text;
  for (const auto& [symbol, value] : numbers.all()) {
    key = base::combine(base::combine(key, base::hash_text(symbol)), value);
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", symbol, value);
  }
  if (!compile_)
    throw base::Error(base::code::kEmptyAxis,
                      fmt::format("{}: {} leaves an axis empty, which takes a program of its own, and this "
                                  "process has no compiler",
                                  recorded->name(), text))
        .hint(
            "don't call it with nothing to do: sizes of 1 or more run here, and a program file runs with any size "
            "where the compiler is linked");
  const std::lock_guard hold(lock_);
  if (const auto* known = programs_.find(key)) return *known;
  return programs_.keep(key, compile_(ir::with_extents(*recorded, numbers)));
}

}  // namespace strata::runtime
