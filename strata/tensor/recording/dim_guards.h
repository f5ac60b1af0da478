// The sizes that a jitted function asks for while it is recorded.
#pragma once

#include <optional>
#include <vector>

#include "strata/base/callable/function_ref.h"
#include "strata/ir/graph.h"
#include "strata/ops/operands/handle.h"

namespace strata::recording_detail {

/// The recorded program is that of calls with this size.
struct DimGuard {
  ir::Dim dim;
  int64_t value;
  ir::Location where;  ///< of the question
};

/// Lets Tensor::size answer for symbolic dimensions in a scope, and writes down what was asked.
class DimGuards {
 public:
  using ValueOf = base::FunctionRef<int64_t(ir::Dim)>;
  /// `value_of` outlives the scope: a function with a name.
  explicit DimGuards(ValueOf value_of);
  ~DimGuards();
  DimGuards(const DimGuards&) = delete;
  const std::vector<DimGuard>& taken() const { return taken_; }
  /// The size of a dimension in the call that is being recorded; nothing outside of such a scope.
  static std::optional<int64_t> ask(ir::Dim d, ops::Source at);

 private:
  ValueOf value_of_;
  std::vector<DimGuard> taken_;
  DimGuards* before_;
};

}  // namespace strata::recording_detail
