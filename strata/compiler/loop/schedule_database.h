// A file of schedules: a text that `strata tune` and `strata explain --write-schedules` write, and people read and
// edit.
//
//   strata schedules 2                                                             # without it: version 1
//   schedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2                                 # a nest and a target, any machine
//     tile rows by 6, columns by 16, depth by 256                                  # its rewrites
//     ...
//   schedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2 on AuthenticAMD-00a00f11-5d2c19aa
//     measured 12.3 us, heuristic 15.1 us, threads 1, trials 320                   # if it was
//     ...
//
// What was measured on a machine is found there alone, and before what stands for any; so entries of AVX2 and of
// AVX-512, and of processors with other caches, live in one file.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "strata/compiler/loop/schedule_source.h"

namespace strata::compiler {

/// What a tuning found out of a schedule.
struct ScheduleMeasurement {
  double seconds = 0, heuristic_seconds = 0;  ///< of one launch
  int threads = 1, trials = 0;
};

struct ScheduleEntry {
  base::Hash128 nest;
  std::string target;
  std::string machine;   ///< machine::machine_word(); empty: any
  std::string rewrites;  ///< a line each
  std::string where;     ///< for messages: "tuned.schedules, line 12"
  std::optional<ScheduleMeasurement> measured;
};

/// Tuned schedules by nest, target and machine. One that its nest can't have any more (lowering has changed, an entry
/// was edited) is named on the log and by `strata explain`, and the heuristic chooses; in strict mode it is an error
/// (E0317).
class ScheduleDatabase final : public ScheduleSource {
 public:
  using Key = std::tuple<base::Hash128, std::string, std::string>;  ///< nest, target, machine

  /// `name` is what messages call the text. E0326 with the line when it is no list of schedules or of a version that
  /// this program doesn't know, E0316 when an entry's rewrites are none.
  static ScheduleDatabase parse(std::string_view text, const std::string& name);
  /// The same of a file of at most 64 MiB; E0326 when it can't be read.
  static ScheduleDatabase read(const std::string& path);

  /// Replaces what stood for the nest on any machine. E0316 when the rewrites are none, E0326 when the target isn't
  /// known.
  void set(base::Hash128 nest, std::string_view target, std::string_view rewrites);
  /// The same of an entry for its machine; `where` is not looked at.
  void set(ScheduleEntry entry);
  /// Takes in all that stands in `newer`, which wins.
  void merge(const ScheduleDatabase& newer);
  /// The text that parse() reads, ordered by nest, target and machine.
  std::string text() const;
  /// Replaces the file as a whole; others see the old one or the new one. E0002.
  void write(const std::string& path) const;
  /// Adds this to what stands in the file, which may not be there yet, while no other process does so. E0326 for a file
  /// that is none of schedules, which stays as it is; E0002 when it can't be written.
  void merge_into(const std::string& path) const;
  /// The same, once `withdrawn` are taken out of the file.
  void merge_into(const std::string& path, std::span<const Key> withdrawn) const;

  /// Of this machine, else of any.
  std::optional<FoundSchedule> find(base::Hash128 nest, std::string_view target) const override;
  std::optional<base::Hash128> identity() const override;
  size_t size() const { return entries_.size(); }
  const std::map<Key, ScheduleEntry>& entries() const { return entries_; }

 private:
  std::map<Key, ScheduleEntry> entries_;
};

/// "schedule 5b1c0c22f09b6f0e88f2a7de0c3b1a94 avx2": the head of an entry.
std::string entry_head(base::Hash128 nest, std::string_view target);

/// Where `strata tune` keeps what it found unless a file is named, and where programs look for it by themselves:
/// tuned.schedules in the cache folder. Empty where there is no cache folder.
std::string tuned_schedules_path();

/// The database that STRATA_SCHEDULES names, read once; where it is not set, tuned_schedules_path() if it is there: one
/// that can't be read is named on the log, once, and not used. Null where there is none.
std::shared_ptr<const ScheduleSource> schedules_from_environment();

}  // namespace strata::compiler
