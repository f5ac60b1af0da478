// What product a naive kernel is, and the schedule that is chosen for it: what packing (packing.h) and schedules for
// sizes that are small (few_rows.h) begin with.
#pragma once

#include <optional>
#include <variant>

#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/schedule_kinds.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

struct ChosenProduct {
  ir::loops::Kernel flat;
  Nest nest;
  Contraction contraction;  ///< with rows and columns as the schedule has them
  std::variant<ContractionSchedule, RowWindowSchedule> schedule;

  /// Null where windows are rows.
  const ContractionSchedule* panels() const { return std::get_if<ContractionSchedule>(&schedule); }
  /// Where its columns come from.
  ColumnStorage columns() const {
    return std::visit([](const auto& s) { return s.columns; }, schedule);
  }
};

/// Empty where the kernel is no product, or one whose columns are windows; and where the schedule can't be chosen for
/// it: a rewrite that fails leaves the kernel as written (schedule.h), and then nothing is packed in it.
std::optional<ChosenProduct> chosen_product(const ir::loops::Kernel& naive, const machine::VectorUnit& vectors);

/// A product of blocks of integers (BlockProduct), and where it stands.
struct ChosenBlocks {
  FlatNest of;
  BlockProduct product;
};
/// Empty where the kernel is none.
std::optional<ChosenBlocks> chosen_blocks(const ir::loops::Kernel& naive);

}  // namespace strata::compiler
