#include "strata/tensor/recording/dim_guards.h"

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

}  // namespace strata::recording_detail
