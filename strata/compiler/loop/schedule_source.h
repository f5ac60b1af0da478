// Where the schedule of a kernel comes from: a source that knows the nest on this target, else the heuristic (choose/).
//
// A nest is known by the structural hash of its naive kernel (nest_key), so that the same loops in another program have
// the same schedule. A database of tuned schedules is a text, which `strata explain --write-schedules FILE` and
// programs write, and people edit:
//
//   schedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2     # a nest and a target; its rewrites follow
//     tile rows by 6, columns by 16, depth by 256
//     vectorise columns by 8
//     ...
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
};

/// One text for every nest that is asked about; it has to fit.
class GivenSchedule final : public ScheduleSource {
 public:
  explicit GivenSchedule(std::string rewrites) : rewrites_(std::move(rewrites)) {}
  std::optional<FoundSchedule> find(base::Hash128 nest, std::string_view target) const override;

 private:
  std::string rewrites_;
};

/// Tuned schedules by nest and target. One that its nest can't have any more (lowering has changed, an entry was
/// edited) is named on the log and by `strata explain`, and the heuristic chooses; in strict mode it is an error
/// (E0317).
class ScheduleDatabase final : public ScheduleSource {
 public:
  /// `name` is what messages call the text. E0326 with the line when it is no list of schedules, E0316 when an entry's
  /// rewrites are none.
  static ScheduleDatabase parse(std::string_view text, const std::string& name);
  /// The same of a file of at most 64 MiB; E0326 when it can't be read.
  static ScheduleDatabase read(const std::string& path);

  /// Replaces what stood for the nest. E0316 when the rewrites are none, E0326 when the target isn't known.
  void set(base::Hash128 nest, std::string_view target, std::string_view rewrites);
  /// The text that parse() reads, ordered by nest and target.
  std::string text() const;
  /// Replaces the file as a whole; others see the old one or the new one. Not while others set.
  void write(const std::string& path) const;

  std::optional<FoundSchedule> find(base::Hash128 nest, std::string_view target) const override;
  size_t size() const { return schedules_.size(); }

 private:
  std::map<std::pair<base::Hash128, std::string>, FoundSchedule, std::less<>> schedules_;
};

/// "schedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2": the head of an entry.
std::string entry_head(base::Hash128 nest, std::string_view target);

/// `options` with what `source` (null: nothing) says of a nest for a target.
ScheduleOptions with_schedule_of(const ScheduleSource* source, const ir::loops::Kernel& naive, std::string_view target,
                                 ScheduleOptions options);

/// The database that STRATA_SCHEDULES names, read once; null where it is not set.
std::shared_ptr<const ScheduleSource> schedules_from_environment();

}  // namespace strata::compiler
