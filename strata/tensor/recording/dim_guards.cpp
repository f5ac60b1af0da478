#include "strata/tensor/recording/dim_guards.h"

#include <fmt/format.h>

namespace strata::recording_detail {
namespace {

thread_local DimGuards* innermost = nullptr;

}  // namespace

DimGuards::DimGuards(ValueOf value_of) : value_of_(value_of), before_(innermost) { innermost = this; }
DimGuards::~DimGuards() { innermost = before_; }

std::optional<int64_t> DimGuards::ask(ir::Dim d, ops::Source at) {
  if (!innermost) return std::nullopt;
  const int64_t value = innermost->value_of_(d);
  innermost->taken_.push_back({d, value, {at.file, at.line, nullptr}});
  return value;
}

std::optional<bool> DimGuards::ask_equal(ir::Dim a, ir::Dim b, ops::Source at) {
  if (!innermost) return std::nullopt;
  const bool is_equal = innermost->value_of_(a - b) == 0;
  innermost->taken_.push_back({a - b, 0, {at.file, at.line, nullptr}, is_equal});
  return is_equal;
}

std::string DimGuard::str() const {
  return fmt::format("{} is {}{}: its size is looked at in {}", dim.str(), is_equal ? "" : "not ", value, where.str());
}

}  // namespace strata::recording_detail
