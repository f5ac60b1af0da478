#include "strata/compiler/loop/schedule_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/folder_lock.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/trace/log.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/machine/cpu_target.h"
#include "strata/machine/machine_word.h"

namespace strata::compiler {

namespace {

constexpr size_t kMostSchedules = 1 << 20, kMostBytes = size_t{64} << 20;
constexpr std::string_view kFile = "strata", kHead = "schedule", kMeasured = "measured";
constexpr int kVersion = 2;

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

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string unknown_target(std::string_view target) {
  std::string names;
  for (const machine::CpuTarget& cpu : machine::kCpuTargets)
    names += (names.empty() ? "" : ", ") + std::string(cpu.name);
  return fmt::format("the targets are {}, found `{}`", names, target);
}

/// "measured 12.3 us, heuristic 15.1 us, threads 1, trials 320"
std::string line_of(const ScheduleMeasurement& m) {
  return fmt::format("{} {:.4g} us, heuristic {:.4g} us, threads {}, trials {}", kMeasured, 1e6 * m.seconds,
                     1e6 * m.heuristic_seconds, m.threads, m.trials);
}

/// What stands behind `measured`.
std::optional<ScheduleMeasurement> parse_measurement(std::string_view rest) {
  std::string text(rest);
  std::replace(text.begin(), text.end(), ',', ' ');
  std::string_view words = text;
  const auto is = [&](std::string_view wanted) { return next_word(words) == wanted; };
  ScheduleMeasurement made;
  const auto own = number<double>(next_word(words));
  if (!own || !is("us") || !is("heuristic")) return std::nullopt;
  const auto other = number<double>(next_word(words));
  if (!other || !is("us") || !is("threads")) return std::nullopt;
  const auto threads = number<int>(next_word(words));
  if (!threads || !is("trials")) return std::nullopt;
  const auto trials = number<int>(next_word(words));
  const bool is_sound = trials && next_word(words).empty() && *own >= 0 && *own < 1e12 && *other >= 0 && *other < 1e12;
  if (!is_sound) return std::nullopt;
  return ScheduleMeasurement{1e-6 * *own, 1e-6 * *other, *threads, *trials};
}

class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  std::map<ScheduleDatabase::Key, ScheduleEntry> all(std::string_view text) {
    if (text.size() > kMostBytes) fail("it has more than 64 MiB");
    while (!text.empty()) {
      ++line_;
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      read(line.substr(0, line.find('#')));
    }
    end();
    return std::move(entries_);
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw base::Error(base::code::kMalformedScheduleFile, fmt::format("{}, line {}: {}", name_, line_, reason))
        .hint("an entry is `schedule NEST TARGET`, as strata explain prints it, and the rewrites below it");
  }

  void read(std::string_view line) {
    std::string_view rest = line;
    const std::string_view word = next_word(rest);
    if (word.empty()) return;
    if (word == kFile && !entry_ && entries_.empty()) return require_version(rest);
    if (word == kHead) return begin(rest);
    if (!entry_) fail(fmt::format("rewrites stand before the first `schedule NEST TARGET`: `{}`", word));
    if (word != kMeasured) {
      entry_->rewrites += std::string(line) + "\n";
      return;
    }
    entry_->measured = parse_measurement(rest);
    if (!entry_->measured)
      fail(fmt::format("expected `measured N us, heuristic N us, threads N, trials N`, found `{}`", line));
  }

  void require_version(std::string_view rest) const {
    const bool is_of_schedules = next_word(rest) == "schedules";
    const std::string_view version = next_word(rest);
    const auto known = number<int>(version);
    if (!is_of_schedules || !known || !next_word(rest).empty())
      fail("the first line of a file of schedules is `strata schedules VERSION`");
    if (*known < 1 || *known > kVersion)
      fail(fmt::format("it has version {}, and this program reads 1 to {}", version, kVersion));
  }

  void begin(std::string_view rest) {
    end();
    const std::string_view hex = next_word(rest), target = next_word(rest);
    const auto nest = parse_hash(hex);
    if (!nest) fail(fmt::format("a nest is 32 digits of 0-9 and a-f, found `{}`", hex));
    if (!machine::find_cpu_target(target)) fail(unknown_target(target));
    std::string_view more = next_word(rest);
    ScheduleEntry entry{
        .nest = *nest, .target = std::string(target), .where = fmt::format("{}, line {}", name_, line_)};
    if (more == "on") {
      entry.machine = next_word(rest);
      if (entry.machine.empty()) fail("behind `on` stands a machine");
      more = next_word(rest);
    }
    if (!more.empty()) fail(fmt::format("after the target stands `{}`", more));
    if (entries_.size() >= kMostSchedules) fail(fmt::format("it has more than {} schedules", kMostSchedules));
    if (const auto known = entries_.find({*nest, entry.target, entry.machine}); known != entries_.end())
      fail(fmt::format("this nest has a schedule for {} at {}", target, known->second.where));
    entry_ = std::move(entry);
  }

  void end() {
    if (!entry_) return;
    try {
      if (parse_rewrites(entry_->rewrites).empty())
        fail(fmt::format("the schedule at {} has no rewrites", entry_->where));
    } catch (base::Error& error) {
      if (error.code() != base::code::kMalformedSchedule) throw;
      throw error.note("in " + entry_->where);
    }
    ScheduleDatabase::Key key{entry_->nest, entry_->target, entry_->machine};
    entries_.emplace(std::move(key), std::move(*entry_));
    entry_.reset();
  }

  const std::string& name_;
  int64_t line_ = 0;
  std::optional<ScheduleEntry> entry_;  ///< that is being read
  std::map<ScheduleDatabase::Key, ScheduleEntry> entries_;
};

/// Of the folder in which a file stands, waiting for another process that has it.
base::FolderLock lock_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  constexpr auto kPatience = std::chrono::seconds(10);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    if (auto lock = base::FolderLock::take(folder.empty() ? "." : folder.string())) return std::move(*lock);
    if (std::chrono::steady_clock::now() >= until)
      throw base::Error(
          base::code::kUnwritableFile,
          fmt::format("cannot write {}: another process has locked its folder for {} s", path, kPatience.count()));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

std::string entry_head(base::Hash128 nest, std::string_view target) {
  return fmt::format("{} {} {}", kHead, nest.hex(), target);
}

ScheduleDatabase ScheduleDatabase::parse(std::string_view text, const std::string& name) {
  ScheduleDatabase made;
  made.entries_ = Reader(name).all(text);
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
  set(ScheduleEntry{.nest = nest, .target = std::string(target), .rewrites = std::string(rewrites)});
}

void ScheduleDatabase::set(ScheduleEntry entry) {
  if (!machine::find_cpu_target(entry.target))
    throw base::Error(base::code::kMalformedScheduleFile, unknown_target(entry.target));
  std::string lines;
  for (const Rewrite& rewrite : parse_rewrites(entry.rewrites)) lines += "  " + rewrite.str() + "\n";
  if (lines.empty())
    throw base::Error(base::code::kMalformedScheduleFile,
                      fmt::format("the schedule of {} has no rewrites", entry.nest.hex()));
  entry.rewrites = std::move(lines);
  entry.where = "a database in memory";
  Key key{entry.nest, entry.target, entry.machine};
  entries_.insert_or_assign(std::move(key), std::move(entry));
}

void ScheduleDatabase::merge(const ScheduleDatabase& newer) {
  for (const auto& [key, entry] : newer.entries_) entries_.insert_or_assign(key, entry);
}

std::string ScheduleDatabase::text() const {
  std::string text = fmt::format("{} schedules {}\n", kFile, kVersion);
  for (const auto& [key, entry] : entries_) {
    text += entry_head(entry.nest, entry.target) + (entry.machine.empty() ? "" : " on " + entry.machine) + "\n";
    if (entry.measured) text += "  " + line_of(*entry.measured) + "\n";
    for (const Rewrite& rewrite : parse_rewrites(entry.rewrites)) text += "  " + rewrite.str() + "\n";
  }
  return text;
}

void ScheduleDatabase::write(const std::string& path) const { base::write_file(path, text()); }

void ScheduleDatabase::merge_into(const std::string& path) const { merge_into(path, {}); }

void ScheduleDatabase::merge_into(const std::string& path, std::span<const Key> withdrawn) const {
  const base::FolderLock lock = lock_folder_of(path);
  ScheduleDatabase all;
  if (base::is_file(path)) all = read(path);
  for (const Key& key : withdrawn) all.entries_.erase(key);
  all.merge(*this);
  all.write(path);
}

std::optional<FoundSchedule> ScheduleDatabase::find(base::Hash128 nest, std::string_view target) const {
  for (const std::string& machine : {machine::machine_word(), std::string()})
    if (const auto found = entries_.find({nest, std::string(target), machine}); found != entries_.end())
      return FoundSchedule{found->second.rewrites, found->second.where, /*is_advice=*/true};
  return std::nullopt;
}

std::optional<base::Hash128> ScheduleDatabase::identity() const {
  base::Hash128 hash = base::combine(base::Hash128{}, entries_.size());
  for (const auto& [key, entry] : entries_) {
    const auto& [nest, target, machine] = key;
    hash = base::combine(hash, nest);
    for (const std::string_view text : {std::string_view(target), std::string_view(machine),
                                        std::string_view(entry.rewrites), std::string_view(entry.where)})
      hash = base::combine(hash, base::hash_text(text));
  }
  return hash;
}

std::string tuned_schedules_path() {
  const std::string folder = base::cache_folder();
  return folder.empty() ? "" : folder + "/tuned.schedules";
}

std::shared_ptr<const ScheduleSource> schedules_from_environment() {
  const auto named = base::environment("STRATA_SCHEDULES");
  const std::string path = named ? *named : tuned_schedules_path();
  if (path.empty()) return nullptr;
  // A listed registry: the databases that this process was pointed to, by path. Guarded by its lock.
  static std::mutex lock;
  static auto* databases = new std::unordered_map<std::string, std::shared_ptr<const ScheduleSource>>;
  std::lock_guard hold(lock);
  if (const auto known = databases->find(path); known != databases->end()) return known->second;
  if (named) return (*databases)[path] = std::make_shared<const ScheduleDatabase>(ScheduleDatabase::read(path));
  // What was made again and again by itself is no reason to stop: programs are as fast as without it.
  std::shared_ptr<const ScheduleSource>& automatic = (*databases)[path];
  try {
    if (base::is_file(path)) automatic = std::make_shared<const ScheduleDatabase>(ScheduleDatabase::read(path));
  } catch (const base::Error& error) {
    base::log_warn("tuned schedules are not used: {}; delete the file, or mend it", error.message());
  }
  return automatic;
}

}  // namespace strata::compiler
