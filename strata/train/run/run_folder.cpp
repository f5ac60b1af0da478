#include "strata/train/run/run_folder.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"

namespace strata::train {
namespace {

constexpr std::string_view kRunFiles[] = {
    "checkpoint.safetensors", "metrics.jsonl", "config.toml",   "summary.json", "loss.svg", "report.html",
    "tokenizer.json",         "samples.png",   "confusion.svg",
};

bool is_run_file(std::string_view name) {
  return name.starts_with("events.out.tfevents.") || std::ranges::find(kRunFiles, name) != std::end(kRunFiles);
}

std::vector<std::string> names_in(const std::string& path) {
  auto names = base::list_folder(path);
  return names ? *names : std::vector<std::string>();
}

}  // namespace

void require_no_run(const std::string& path) {
  const bool has_checkpoint = base::is_file(path + "/checkpoint.safetensors");
  // An empty file of metrics is what a training leaves that failed at its start: nothing is lost with it.
  const auto metrics = base::file_bytes(path + "/metrics.jsonl");
  if (!has_checkpoint && (!metrics || *metrics == 0)) return;
  throw base::Error(base::code::kRunExists, "run folder " + path + " holds a run already")
      .hint(has_checkpoint ? "go on with it by --resume, overwrite it by --replace, or name another with --out"
                           : "it has no checkpoint to go on from: overwrite it by --replace, or name another with "
                             "--out");
}

RunFolder::RunFolder(std::string path, Start start) : path_(std::move(path)) {
  base::make_folders(path_);
  if (start == Start::Fresh) require_no_run(path_);
  if (start == Start::Resume && !has("checkpoint.safetensors"))
    throw base::Error(base::code::kNoCheckpoint,
                      "run folder " + path_ + " has no checkpoint.safetensors to resume from");
  lock_ = base::FolderLock::take(path_);
  if (!lock_) throw base::Error(base::code::kFolderInUse, "another training is going on in run folder " + path_);
  base::write_file(file(".writable"), std::string_view());
  std::remove(file(".writable").c_str());
  remove_unfinished();
}

bool RunFolder::has(const std::string& name) const { return base::is_file(file(name)); }

void RunFolder::remove_run() const {
  for (const std::string& name : names_in(path_))
    if (is_run_file(name)) std::remove(file(name).c_str());
}

/// Half-written files of a process that was killed (see AtomicFile): nobody else writes here now.
void RunFolder::remove_unfinished() const {
  for (const std::string& name : names_in(path_))
    if (const size_t at = name.rfind(".tmp-"); at != std::string::npos && is_run_file(name.substr(0, at)))
      std::remove(file(name).c_str());
}

}  // namespace strata::train
