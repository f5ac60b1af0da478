#include "strata/compiler/loop/schedule_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/machine/cpu_target.h"

namespace strata::compiler {

namespace {

constexpr size_t kMostSchedules = 1 << 20, kMostBytes = size_t{64} << 20;
constexpr std::string_view kHead = "schedule";

std::string_view next_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, std::min(line.find_first_of(" \t\r"), line.size()));
  line.remove_prefix(word.size());
  return word;
}

/// The hash that Hash128::hex() writes.
std::optional<base::Hash128> parse_hash(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  uint64_t words[2] = {0, 0};
  for (size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    words[i / 16] = words[i / 16] << 4 | static_cast<uint64_t>(digit);
  }
  return base::Hash128{.lo = words[1], .hi = words[0]};
}

std::string unknown_target(std::string_view target) {
  std::string names;
  for (const machine::CpuTarget& cpu : machine::kCpuTargets)
    names += (names.empty() ? "" : ", ") + std::string(cpu.name);
  return fmt::format("the targets are {}, found `{}`", names, target);
}

class Reader {
 public:
  using Key = std::pair<base::Hash128, std::string>;

  explicit Reader(const std::string& name) : name_(name) {}

  std::map<Key, FoundSchedule, std::less<>> all(std::string_view text) {
    if (text.size() > kMostBytes) fail("it has more than 64 MiB");
    while (!text.empty()) {
      ++line_;
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      std::string_view rest = line.substr(0, line.find('#'));
      const std::string_view word = next_word(rest);
      if (word.empty()) continue;
      if (word == kHead)
        begin(rest);
      else if (!key_)
        fail(fmt::format("rewrites stand before the first `schedule NEST TARGET`: `{}`", word));
      else
        rewrites_ += std::string(line.substr(0, line.find('#'))) + "\n";
    }
    end();
    return std::move(schedules_);
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw base::Error(base::code::kMalformedScheduleFile, fmt::format("{}, line {}: {}", name_, line_, reason))
        .hint("an entry is `schedule NEST TARGET`, as strata explain prints it, and the rewrites below it");
  }

  void begin(std::string_view rest) {
    end();
    const std::string_view hex = next_word(rest), target = next_word(rest);
    const auto nest = parse_hash(hex);
    if (!nest) fail(fmt::format("a nest is 32 digits of 0-9 and a-f, found `{}`", hex));
    if (!machine::find_cpu_target(target)) fail(unknown_target(target));
    if (const std::string_view more = next_word(rest); !more.empty())
      fail(fmt::format("after the target stands `{}`", more));
    if (schedules_.size() >= kMostSchedules) fail(fmt::format("it has more than {} schedules", kMostSchedules));
    key_ = Key{*nest, target};
    where_ = fmt::format("{}, line {}", name_, line_);
    if (const auto known = schedules_.find(*key_); known != schedules_.end())
      fail(fmt::format("this nest has a schedule for {} at {}", target, known->second.where));
  }

  void end() {
    if (!key_) return;
    try {
      if (parse_rewrites(rewrites_).empty()) fail(fmt::format("the schedule at {} has no rewrites", where_));
    } catch (base::Error& error) {
      if (error.code() != base::code::kMalformedSchedule) throw;
      throw error.note("in " + where_);
    }
    schedules_.emplace(std::move(*key_), FoundSchedule{std::move(rewrites_), where_, /*is_advice=*/true});
    key_.reset();
    rewrites_.clear();
  }

  const std::string& name_;
  int64_t line_ = 0;
  std::optional<Key> key_;  ///< of the entry that is being read
  std::string rewrites_, where_;
  std::map<Key, FoundSchedule, std::less<>> schedules_;
};

}  // namespace

std::string entry_head(base::Hash128 nest, std::string_view target) {
  return fmt::format("{} {} {}", kHead, nest.hex(), target);
}

std::optional<FoundSchedule> GivenSchedule::find(base::Hash128, std::string_view) const {
  return FoundSchedule{rewrites_, "", /*is_advice=*/false};
}

ScheduleDatabase ScheduleDatabase::parse(std::string_view text, const std::string& name) {
  ScheduleDatabase made;
  made.schedules_ = Reader(name).all(text);
  return made;
}

ScheduleDatabase ScheduleDatabase::read(const std::string& path) {
  const auto text = base::read_text(path);
  if (!text) {
    base::Error error(base::code::kMalformedScheduleFile, fmt::format("{}: the file can't be read", path));
    throw error.note(text.error().message());
  }
  return parse(*text, path);
}

void ScheduleDatabase::set(base::Hash128 nest, std::string_view target, std::string_view rewrites) {
  if (!machine::find_cpu_target(target)) throw base::Error(base::code::kMalformedScheduleFile, unknown_target(target));
  std::string lines;
  for (const Rewrite& rewrite : parse_rewrites(rewrites)) lines += "  " + rewrite.str() + "\n";
  if (lines.empty())
    throw base::Error(base::code::kMalformedScheduleFile,
                      fmt::format("the schedule of {} has no rewrites", nest.hex()));
  schedules_.insert_or_assign(std::pair{nest, std::string(target)},
                              FoundSchedule{lines, "a database in memory", /*is_advice=*/true});
}

std::string ScheduleDatabase::text() const {
  std::string text;
  for (const auto& [key, schedule] : schedules_) {
    text += entry_head(key.first, key.second) + "\n";
    for (const Rewrite& rewrite : parse_rewrites(schedule.rewrites)) text += "  " + rewrite.str() + "\n";
  }
  return text;
}

void ScheduleDatabase::write(const std::string& path) const { base::write_file(path, text()); }

std::optional<FoundSchedule> ScheduleDatabase::find(base::Hash128 nest, std::string_view target) const {
  const auto found = schedules_.find(std::pair{nest, std::string(target)});
  return found == schedules_.end() ? std::nullopt : std::optional(found->second);
}

ScheduleOptions with_schedule_of(const ScheduleSource* source, const ir::loops::Kernel& naive, std::string_view target,
                                 ScheduleOptions options) {
  if (!source) return options;
  auto found = source->find(nest_key(naive), target);
  if (!found) return options;
  options.rewrites = std::move(found->rewrites);
  options.where = std::move(found->where);
  options.is_advice = found->is_advice;
  return options;
}

std::shared_ptr<const ScheduleSource> schedules_from_environment() {
  const std::string path = base::environment("STRATA_SCHEDULES").value_or("");
  if (path.empty()) return nullptr;
  // A listed registry: the databases that this process was pointed to, by path. Guarded by its lock.
  static std::mutex lock;
  static auto* databases = new std::unordered_map<std::string, std::shared_ptr<const ScheduleSource>>;
  std::lock_guard hold(lock);
  std::shared_ptr<const ScheduleSource>& database = (*databases)[path];
  if (!database) database = std::make_shared<const ScheduleDatabase>(ScheduleDatabase::read(path));
  return database;
}

}  // namespace strata::compiler
