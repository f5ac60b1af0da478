// Where the schedule of a kernel comes from: a source that knows the nest on this target, else the heuristic (choose/).
//
// A nest is known by the structural hash of its naive kernel (nest_key), so that the same loops in another program have
// the same schedule. The source that is a file is a database (schedule_database.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "strata/base/bytes/hash.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler {

struct FoundSchedule {
  std::string rewrites;    ///< as text (schedule_kinds.h)
  std::string where;       ///< for messages: "tuned.schedules, line 12"; empty: the caller's own
  bool is_advice = false;  ///< what does not fit is noted, and the heuristic chooses; else it is an error (E0317)
};

/// Any thread may ask at any time.
class ScheduleSource {
 public:
  virtual ~ScheduleSource() = default;
  /// `target`: the name of an instruction set. Nothing: the heuristic chooses.
  virtual std::optional<FoundSchedule> find(base::Hash128 nest, std::string_view target) const = 0;
  /// The same for sources that say the same of every nest, on this machine; nothing: it can't be told, and no program
  /// that is compiled with it is kept on disk.
  virtual std::optional<base::Hash128> identity() const { return std::nullopt; }
};

/// One text for every nest that is asked about; it has to fit.
class GivenSchedule final : public ScheduleSource {
 public:
  explicit GivenSchedule(std::string rewrites) : rewrites_(std::move(rewrites)) {}
  std::optional<FoundSchedule> find(base::Hash128 nest, std::string_view target) const override;
  std::optional<base::Hash128> identity() const override;

 private:
  std::string rewrites_;
};

/// `options` with what `source` (null: nothing) says of a nest for a target.
ScheduleOptions with_schedule_of(const ScheduleSource* source, const ir::loops::Kernel& naive, std::string_view target,
                                 ScheduleOptions options);

}  // namespace strata::compiler
