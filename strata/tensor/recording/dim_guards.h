// The sizes that a jitted function asks for while it is recorded.
#pragma once

#include <optional>
#include <vector>

#include "strata/base/callable/function_ref.h"
#include "strata/ir/graph/graph.h"
#include "strata/ops/operands/handle.h"

namespace strata::recording_detail {

/// The recorded program is that of calls in which a dimension has this size, or in which it has not.
struct DimGuard {
  ir::Dim dim;
  int64_t value;
  ir::Location where;  ///< of the question
  bool is_equal = true;
  /// "B is 5: its size is looked at in f.cpp:3".
  std::string str() const;
};

/// Answers for the sizes of symbolic dimensions in a scope (Tensor::size, comparisons of Tensor::dim), and writes down
/// what was asked.
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
  static std::optional<bool> ask_equal(ir::Dim a, ir::Dim b, ops::Source at);

 private:
  ValueOf value_of_;
  std::vector<DimGuard> taken_;
  DimGuards* before_;
};

}  // namespace strata::recording_detail
